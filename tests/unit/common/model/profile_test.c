/* SPDX-License-Identifier: MIT */
#include "common/model/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "kernels/backend.h"
#include "tests/read_file.h"
#include "tests/tap.h"

static struct err e;

static char *path_of(const char *name) {
  static char path[300];
  snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
  return path;
}

static double number_of(const json_t *event, const char *key) { return json_number_value(json_object_get(event, key)); }

static void check_table(void) {
  struct profile *p = profile_new();
  profile_add(p, "matmul", "qkv", "forward", 0.5, (struct plan_cost){4e9, 1e9});
  profile_add(p, "matmul", "qkv", "forward", 0.5, (struct plan_cost){4e9, 1e9});
  profile_add(p, "add", "residual", "forward", 0.25, (struct plan_cost){1e6, 2e9});
  const struct machine_peak peak = {.gflop_s = 16, .gb_s = 10};
  ok(profile_write(p, path_of("p.tsv"), &peak, &e) == 0, "a table is written");
  struct buffer file = read_file(path_of("p.tsv"));
  const char *text = buffer_string(&file);
  /* 8e9 FLOPs at 16 GFLOP/s: 0.5 s of 1; 2e9 bytes at 10 GB/s: 0.2 s of 0.25; together 0.7 of 1.25 */
  ok(strstr(text, "matmul\tqkv\tforward\t2\t1000.000\t8e+09\t2e+09\t8.0\t2.00\t0.8000\t0.5000\t0.5000\n") != NULL, "a matmul is limited by arithmetic");
  ok(strstr(text, "add\tresidual\tforward\t1\t250.000\t1e+06\t2e+09\t0.0\t8.00\t0.2000\t0.0003\t0.8000\n") != NULL, "a sum by the bandwidth of memory");
  ok(strstr(text, "total\t\t\t3\t1250.000") && strstr(text, "\t0.5600\n"), "the limit of the total is the sum of the limits");
  buffer_release(&file);
  const struct machine_peak none = {0};
  ok(profile_write(p, path_of("p.tsv"), &none, &e) == 0, "and without peaks");
  file = read_file(path_of("p.tsv")), text = buffer_string(&file);
  ok(strstr(text, "0.8000\t\t\n") != NULL, "their columns stay empty");
  buffer_release(&file);
  profile_free(p);
}

static void check_trace(void) {
  struct profile *p = profile_new();
  profile_trace(p, 2, 10);
  for (int step = 1; step <= 5; step++) {
    profile_step(p, step);
    for (int i = 0; i < 3; i++) profile_add(p, "matmul", i == 1 ? "a \"b\"" : "qkv", "forward", 0, (struct plan_cost){100 * step + i, 7});
  }
  ok(profile_write_trace(p, path_of("t.json"), &e) == 0, "a timeline is written");
  json_t *root = json_load_path(path_of("t.json"), &e), *events = json_object_get(root, "traceEvents");
  ok(json_array_size(events) == 1 + 2 * 4, "it is JSON, and holds the last two steps (%zu events)", json_array_size(events));
  bool ordered = true, inside = true;
  double last = -1, step_end = 0;
  int steps = 0;
  for (size_t i = 1; i < json_array_size(events); i++) {
    const json_t *event = json_array_get(events, i);
    double began = number_of(event, "ts"), seconds = number_of(event, "dur");
    bool step = strcmp(json_string_value(json_object_get(event, "cat")), "step") == 0;
    ordered &= began >= last && strcmp(json_string_value(json_object_get(event, "ph")), "X") == 0;
    if (step) step_end = began + seconds, steps++;
    else inside &= began + seconds <= step_end + 1e-3;
    last = began;
  }
  ok(ordered && inside && steps == 2, "in order, calls inside their step");
  const json_t *call = json_array_get(events, 3);
  ok_string(json_string_value(json_object_get(call, "name")), "a \"b\"", "a call has its name");
  ok(number_of(json_object_get(call, "args"), "flops") == 401 && number_of(json_object_get(call, "args"), "bytes") == 7, "and its cost");
  json_decref(root);
  for (int i = 0; i < 25; i++) profile_add(p, "matmul", "qkv", "forward", 0, (struct plan_cost){i, 0}); /* a step longer than the ring */
  ok(profile_write_trace(p, path_of("t.json"), &e) == 0, "a step that is too long");
  root = json_load_path(path_of("t.json"), &e), events = json_object_get(root, "traceEvents");
  ok(json_array_size(events) == 11 && number_of(json_object_get(json_array_get(events, 10), "args"), "flops") == 24, "leaves its last calls");
  json_decref(root);
  profile_free(p);
}

int main(void) {
  check_table();
  check_trace();
  double memory = profile_memory_peak(backend_cpu());
  ok(memory > 0.1 && memory < 1e5, "memory moves %.1f GB/s", memory);
  return tap_done();
}
