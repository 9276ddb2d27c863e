/* SPDX-License-Identifier: MIT */
#include "common/train/optimizer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/model/execute.h"
#include "kernels/offload.h"

/* Of AdamW: 32 MiB of each moment take 0.7 ms at 50 GB/s, a hundred times what it takes to begin a copy. */
enum { PIECE = 8 << 20 };

/* Tensors that one call of a kernel takes: neighbours without a gap that AdamW treats alike, or one matrix.  The state of a
 * group lies in one piece, array after array. */
struct group {
  enum { RULE_ADAMW, RULE_MUON, RULE_SOAP, RULE_BALANCE } rule;
  int first, tensors;
  int64_t count;        /* elements */
  double lr, decay;     /* factors on lr and weight_decay */
  int64_t begin, end;   /* of its state */
};

struct optimizer {
  struct parameters *parameters;
  struct optimizer_settings settings;
  struct parameter_layout layout; /* of the state */
  struct group *groups;
  int group_count;
  struct optimizer_place place;
  real *state;
  int file;                       /* of OPTIMIZER_IN_FOLDER, else -1 */
  struct offload visits;          /* of OPTIMIZER_IN_HOST */
};

struct optimizer_settings optimizer_defaults(enum optimizer_kind kind) {
  struct optimizer_settings s = {.kind = kind, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .decay_embeddings = true, .matrix_lr = 1,
                                 .momentum = 0.95, .nesterov = true, .adjust = MUON_MATCH_ADAMW, .type = MATMUL_FP32,
                                 .shampoo_beta = 0.95, .frequency = 10, .longest = 10000, .balance_rate = 1e-3};
  if (kind == OPTIMIZER_SOAP) s.beta1 = 0.95;
  return s;
}

/* ---- layout of the state */

static int rule_of(const struct parameter_tensor *t, const struct optimizer_settings *s) {
  if (t->kind == PARAMETER_BALANCE) return RULE_BALANCE;
  if (t->kind != PARAMETER_MATRIX || t->rank != 2 || s->kind == OPTIMIZER_ADAMW) return RULE_ADAMW;
  return s->kind == OPTIMIZER_MUON ? RULE_MUON : RULE_SOAP;
}

static struct group group_of(const struct parameter_layout *l, int i, const struct optimizer_settings *s, int64_t width) {
  const struct parameter_tensor *t = &l->tensors[i];
  struct group g = {.rule = rule_of(t, s), .first = i, .tensors = 1, .count = t->count, .lr = 1, .decay = 1};
  if (s->width_base > 0 && width > 0 && (t->kind == PARAMETER_MATRIX || t->kind == PARAMETER_HEAD)) {
    double w = (double)s->width_base / (double)width;
    if (g.rule == RULE_MUON) w = s->adjust == MUON_MATCH_ADAMW ? sqrt(w) : 1;
    g.lr = w, g.decay = 1 / w;
  }
  if (g.rule == RULE_MUON || g.rule == RULE_SOAP) g.lr *= s->matrix_lr;
  if (t->kind == PARAMETER_VECTOR || (t->kind == PARAMETER_EMBEDDING && !s->decay_embeddings)) g.decay = 0;
  return g;
}

/* Adds a tensor to the layout of the state. */
static void put(struct parameter_layout *l, const char *prefix, const struct parameter_tensor *of, int64_t rows, int64_t columns) {
  struct buffer name = {0};
  buffer_printf(&name, "%s.%s", prefix, of->name);
  int rank = rows == of->shape[0] && columns == of->shape[1] ? of->rank : 2;
  parameter_layout_add(l, buffer_string(&name), of->kind, 0, rank, (int64_t[]){rows, columns});
  buffer_release(&name);
}

static void put_group(struct parameter_layout *state, const struct parameter_layout *l, struct group *g, const struct optimizer_settings *s) {
  const struct parameter_tensor *t = &l->tensors[g->first];
  int64_t rows = t->shape[0], columns = t->shape[1];
  parameter_layout_align(state);
  g->begin = state->total;
  if (g->rule == RULE_MUON) put(state, "momentum", t, rows, columns);
  if (g->rule == RULE_ADAMW || g->rule == RULE_SOAP)
    for (int moment = 0; moment < 2; moment++) {
      parameter_layout_align(state);
      for (int i = 0; i < g->tensors; i++) put(state, moment ? "v" : "m", t + i, t[i].shape[0], t[i].shape[1]);
    }
  if (g->rule == RULE_SOAP) {
    static const char *const names[] = {"left", "q_left", "right", "q_right"};
    for (int i = 0; i < 4; i++) {
      int64_t side = i < 2 ? rows : columns;
      parameter_layout_align(state);
      if (side <= s->longest) put(state, names[i], t, side, side);
    }
  }
  g->end = state->total;
}

/* The caller frees the groups and releases the layout. */
static struct group *plan_state(struct parameter_layout *state, int *group_count, const struct parameter_layout *l, const struct optimizer_settings *s, int64_t width) {
  struct group *groups = NEW_ARRAY(struct group, (size_t)l->count);
  *state = (struct parameter_layout){.tensors = NEW_ARRAY(struct parameter_tensor, 1)};
  int count = 0;
  for (int i = 0; i < l->count;) {
    struct group g = group_of(l, i, s, width);
    for (i++; g.rule == RULE_ADAMW && i < l->count && l->tensors[i].offset == l->tensors[g.first].offset + g.count; i++) {
      struct group next = group_of(l, i, s, width);
      if (next.rule != RULE_ADAMW || next.lr != g.lr || next.decay != g.decay) break;
      g.tensors++, g.count += next.count;
    }
    put_group(state, l, &g, s);
    groups[count++] = g;
  }
  parameter_layout_align(state);
  *group_count = count;
  return groups;
}

int64_t optimizer_bytes(const struct parameter_layout *l, const struct optimizer_settings *s) {
  struct parameter_layout state;
  int count;
  free(plan_state(&state, &count, l, s, 0));
  int64_t bytes = state.total * (int64_t)sizeof(real);
  parameter_layout_release(&state);
  return bytes;
}

static int64_t aligned(int64_t n) { return (n + 15) & ~(int64_t)15; }

/* Elements of the largest piece that visits the device. */
static int64_t largest_piece(const struct group *groups, int count, int64_t piece) {
  int64_t largest = 16;
  for (int i = 0; i < count; i++) {
    const struct group *g = &groups[i];
    int64_t n = g->rule == RULE_ADAMW ? 2 * aligned(g->count < piece ? g->count : piece) : g->end - g->begin;
    if (n > largest) largest = n;
  }
  return aligned(largest);
}

int64_t optimizer_visiting_bytes(const struct parameter_layout *l, const struct optimizer_settings *s) {
  struct parameter_layout state;
  int count;
  struct group *groups = plan_state(&state, &count, l, s, 0);
  int64_t bytes = OFFLOAD_PLACES * largest_piece(groups, count, PIECE) * (int64_t)sizeof(real);
  free(groups);
  parameter_layout_release(&state);
  return bytes;
}

const struct parameter_layout *optimizer_layout(const struct optimizer *o) { return &o->layout; }
real *optimizer_state(const struct optimizer *o) { return o->state; }
bool optimizer_in_host(const struct optimizer *o) { return o->place.home == OPTIMIZER_IN_HOST; }

/* ---- state in a file */

static int open_unlinked(const char *folder, struct err *e) {
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  struct buffer path = {0}; /* file systems without O_TMPFILE */
  buffer_printf(&path, "%s/optimizer.XXXXXX", folder);
  fd = mkostemp((char *)buffer_string(&path), O_CLOEXEC);
  if (fd < 0) err_errno(e, "%s", folder);
  else if (unlink(path.data) < 0) {
    err_errno(e, "%s", path.data);
    close(fd);
    fd = -1;
  }
  buffer_release(&path);
  return fd;
}

static int map_state(struct optimizer *o, const char *folder, size_t bytes, struct err *e) {
  if (o->parameters->backend != backend_cpu()) return err_set(e, "%s: the optimiser's state of a GPU can leave to host memory, not to a folder", folder);
  if ((o->file = open_unlinked(folder, e)) < 0) return -1;
  errno = posix_fallocate(o->file, 0, (off_t)bytes);
  if (errno != 0) return err_errno(e, "%s: no room for the optimiser's state of %zu bytes", folder, bytes);
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, o->file, 0);
  if (p == MAP_FAILED) return err_errno(e, "%s: mapping the optimiser's state", folder);
  o->state = p;
  return 0;
}

static size_t state_bytes(const struct optimizer *o) { return (size_t)(o->layout.total > 0 ? o->layout.total : 16) * sizeof(real); }

/* Whole pages of a group's state; empty when there are none. */
static size_t pages(const struct optimizer *o, const struct group *g, char **from) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = (size_t)g->begin * sizeof(real), end = (size_t)g->end * sizeof(real);
  begin = (begin + page - 1) / page * page, end = end / page * page;
  *from = (char *)o->state + begin;
  return end > begin ? end - begin : 0;
}

static void read_ahead(const struct optimizer *o, const struct group *g) {
  char *from;
  size_t bytes = o->file >= 0 ? pages(o, g, &from) : 0;
  if (bytes) madvise(from, bytes, MADV_WILLNEED); /* a hint, as all of these */
}

/* Starts writing and takes the pages out of this process; the kernel keeps them for as long as it has room. */
static void write_behind(const struct optimizer *o, const struct group *g) {
  char *from;
  size_t bytes = o->file >= 0 ? pages(o, g, &from) : 0;
  if (!bytes) return;
  madvise(from, bytes, MADV_DONTNEED);
  sync_file_range(o->file, from - (char *)o->state, (off_t)bytes, SYNC_FILE_RANGE_WRITE);
}

/* ---- life */

static int put_in_host(struct optimizer *o, struct kernel_error *k) {
  const struct backend *b = o->parameters->backend;
  if (o->place.piece <= 0) o->place.piece = PIECE;
  o->state = b->alloc_host(state_bytes(o), k);
  if (!o->state) return -1;
  memset(o->state, 0, state_bytes(o));
  return offload_init(&o->visits, b, largest_piece(o->groups, o->group_count, o->place.piece), EXECUTION_SLOTS, k);
}

static int put_beside(struct optimizer *o, struct kernel_error *k) {
  o->state = o->parameters->backend->alloc(state_bytes(o), k);
  return o->state ? 0 : -1;
}

int optimizer_new(struct optimizer **out, struct parameters *p, const struct optimizer_settings *s, const struct optimizer_place *place, struct err *e) {
  struct optimizer *o = NEW(struct optimizer);
  *o = (struct optimizer){.parameters = p, .settings = *s, .file = -1};
  if (place) o->place = *place;
  o->groups = plan_state(&o->layout, &o->group_count, &p->layout, s, p->config.hidden_size);
  struct kernel_error k;
  int result = 0;
  switch (o->place.home) {
    case OPTIMIZER_WITH_PARAMETERS: result = put_beside(o, &k) < 0 ? kernel_failed(e, &k) : 0; break;
    case OPTIMIZER_IN_HOST: result = put_in_host(o, &k) < 0 ? kernel_failed(e, &k) : 0; break;
    case OPTIMIZER_IN_FOLDER: result = map_state(o, o->place.folder, state_bytes(o), e); break;
  }
  if (result < 0) {
    optimizer_free(o);
    return -1;
  }
  *out = o;
  return 0;
}

static void release_state(struct optimizer *o) {
  const struct backend *b = o->parameters->backend;
  switch (o->place.home) {
    case OPTIMIZER_WITH_PARAMETERS: b->release(o->state); break;
    case OPTIMIZER_IN_HOST: offload_release(&o->visits), b->release_host(o->state); break; /* release() waits for what is queued */
    case OPTIMIZER_IN_FOLDER: munmap(o->state, state_bytes(o)); break;
  }
}

void optimizer_free(struct optimizer *o) {
  if (!o) return;
  if (o->state) release_state(o);
  if (o->file >= 0) close(o->file);
  parameter_layout_release(&o->layout);
  free(o->groups);
  free(o);
}

/* ---- the step */

struct update { /* what one step does */
  int64_t step;
  double lr, gradient_scale;
};

/* Elements from .. from + n of a group; m, v: their moments. */
static int step_adamw(struct optimizer *o, const struct group *g, const struct update *u, int64_t from, int64_t n, real *m, real *v, struct kernel_error *k) {
  const struct optimizer_settings *s = &o->settings;
  struct parameters *p = o->parameters;
  int64_t at = p->layout.tensors[g->first].offset + from;
  struct adamw_settings a = {.lr = u->lr * g->lr, .beta1 = s->beta1, .beta2 = s->beta2, .eps = s->eps, .weight_decay = s->weight_decay * g->decay,
                             .step = u->step, .gradient_scale = u->gradient_scale};
  return p->backend->adamw(p->values + at, p->gradients + at, m, v, n, &a, k);
}

static int step_muon(struct optimizer *o, const struct group *g, const struct update *u, real *momentum, struct kernel_error *k) {
  const struct optimizer_settings *s = &o->settings;
  struct parameters *p = o->parameters;
  const struct parameter_tensor *t = &p->layout.tensors[g->first];
  struct muon_settings m = {.lr = u->lr * g->lr, .momentum = s->momentum, .weight_decay = s->weight_decay * g->decay, .adjust = muon_adjust(s->adjust, t->shape[0], t->shape[1]),
                            .gradient_scale = u->gradient_scale, .steps = 5, .nesterov = s->nesterov, .type = s->type};
  return p->backend->muon(p->values + t->offset, p->gradients + t->offset, momentum, t->shape[0], t->shape[1], &m, k);
}

static int step_soap(struct optimizer *o, const struct group *g, const struct update *u, real *state, struct kernel_error *k) {
  const struct optimizer_settings *s = &o->settings;
  struct parameters *p = o->parameters;
  const struct parameter_tensor *t = &p->layout.tensors[g->first];
  int64_t rows = t->shape[0], columns = t->shape[1];
  bool left = rows <= s->longest, right = columns <= s->longest;
  struct soap_settings settings = {.lr = u->lr * g->lr, .beta1 = s->beta1, .beta2 = s->beta2, .shampoo_beta = s->shampoo_beta, .eps = s->eps, .weight_decay = s->weight_decay * g->decay,
                                   .step = u->step, .frequency = s->frequency, .gradient_scale = u->gradient_scale};
  real *m = state, *v = m + aligned(g->count), *sides[4], *at = v + aligned(g->count);
  for (int i = 0; i < 4; i++) { /* left, q_left, right, q_right */
    bool there = i < 2 ? left : right;
    sides[i] = there ? at : NULL;
    if (there) at += aligned(i < 2 ? rows * rows : columns * columns);
  }
  return p->backend->soap(p->values + t->offset, p->gradients + t->offset, m, v, sides[0], sides[2], sides[1], sides[3], rows, columns, &settings, k);
}

static int step_balance(struct optimizer *o, const struct group *g, struct kernel_error *k) {
  struct parameters *p = o->parameters;
  const struct backend *b = p->backend;
  const struct parameter_tensor *t = &p->layout.tensors[g->first];
  size_t bytes = (size_t)t->count * sizeof(real);
  real *bias = MALLOC(2 * bytes), *counts = bias + t->count;
  int result = b->to_host(bias, p->values + t->offset, bytes, k) < 0 || b->to_host(counts, p->gradients + t->offset, bytes, k) < 0 ? -1 : 0;
  double mean = 0;
  for (int64_t i = 0; i < t->count && result == 0; i++) mean += (double)counts[i] / (double)t->count;
  for (int64_t i = 0; i < t->count && result == 0; i++) {
    double excess = (double)counts[i] - mean;
    if (fabs(excess) > 1e-9 * mean) bias[i] -= (real)copysign(o->settings.balance_rate, excess); /* an even share moves nothing */
  }
  if (result == 0) result = b->to_device(p->values + t->offset, bias, bytes, k);
  free(bias);
  return result;
}

static real *second_moments(const struct optimizer *o, const struct group *g) { return o->state + g->end - g->count; }

/* The state where the parameters are, or mapped. */
static int step_beside(struct optimizer *o, const struct update *u, struct kernel_error *k) {
  if (o->group_count > 0) read_ahead(o, &o->groups[0]);
  for (int i = 0; i < o->group_count; i++) {
    const struct group *g = &o->groups[i];
    real *state = o->state + g->begin;
    int result = 0;
    if (i + 1 < o->group_count) read_ahead(o, &o->groups[i + 1]);
    switch (g->rule) {
      case RULE_ADAMW: result = step_adamw(o, g, u, 0, g->count, state, second_moments(o, g), k); break;
      case RULE_MUON: result = step_muon(o, g, u, state, k); break;
      case RULE_SOAP: result = step_soap(o, g, u, state, k); break;
      case RULE_BALANCE: result = step_balance(o, g, k); break;
    }
    if (result < 0) return -1;
    write_behind(o, g);
  }
  return 0;
}

/* ---- a state in host memory */

struct piece { /* of the state, as it visits the device */
  int group;        /* -1: before the first */
  int64_t from, n;  /* of AdamW: elements of the group */
};

static bool next_piece(const struct optimizer *o, struct piece *p) {
  int64_t from = p->group >= 0 && o->groups[p->group].rule == RULE_ADAMW ? p->from + p->n : 0;
  if (from == 0 || from == o->groups[p->group].count) {
    from = 0;
    do p->group++;
    while (p->group < o->group_count && o->groups[p->group].begin == o->groups[p->group].end);
  }
  if (p->group == o->group_count) return false;
  int64_t rest = o->groups[p->group].count - from;
  p->from = from, p->n = rest < o->place.piece ? rest : o->place.piece;
  return true;
}

static int bring_piece(struct optimizer *o, const struct piece *p, struct kernel_error *k) {
  const struct group *g = &o->groups[p->group];
  struct offload_part parts[] = {{o->state + g->begin, g->end - g->begin}, {0}};
  bool cut = g->rule == RULE_ADAMW;
  if (cut) parts[0] = (struct offload_part){o->state + g->begin + p->from, p->n}, parts[1] = (struct offload_part){second_moments(o, g) + p->from, p->n};
  return offload_bring(&o->visits, parts, cut ? 2 : 1, k);
}

static int step_piece(struct optimizer *o, const struct piece *p, const struct update *u, struct kernel_error *k) {
  const struct group *g = &o->groups[p->group];
  real *state = offload_here(&o->visits, 0, k), *v = state && g->rule == RULE_ADAMW ? offload_here(&o->visits, 1, k) : NULL;
  if (!state || (g->rule == RULE_ADAMW && !v)) return -1;
  int result = g->rule == RULE_ADAMW ? step_adamw(o, g, u, p->from, p->n, state, v, k) : g->rule == RULE_MUON ? step_muon(o, g, u, state, k) : step_soap(o, g, u, state, k);
  return result < 0 ? -1 : offload_return(&o->visits, k);
}

static int step_visiting(struct optimizer *o, const struct update *u, struct kernel_error *k) {
  struct piece here = {.group = -1}, next = here;
  for (int i = 0; i < o->group_count; i++) /* these wait for the host */
    if (o->groups[i].rule == RULE_BALANCE && step_balance(o, &o->groups[i], k) < 0) return -1;
  bool more = next_piece(o, &next);
  if (more && bring_piece(o, &next, k) < 0) return -1;
  while (more) {
    here = next, more = next_piece(o, &next);
    if (more && bring_piece(o, &next, k) < 0) return -1;
    if (step_piece(o, &here, u, k) < 0) return -1;
  }
  return offload_finish(&o->visits, k);
}

int optimizer_step(struct optimizer *o, int64_t step, double lr, double gradient_scale, struct err *e) {
  const struct update u = {step, lr, gradient_scale};
  struct kernel_error k;
  if ((optimizer_in_host(o) ? step_visiting : step_beside)(o, &u, &k) < 0) return kernel_failed(e, &k);
  return parameters_refresh(o->parameters, e);
}

int optimizer_gradient_squares(const struct optimizer *o, double *sum, struct err *e) {
  const struct parameters *p = o->parameters;
  const struct parameter_layout *l = &p->layout;
  struct kernel_error k;
  int64_t from = 0; /* gaps are zero: whole stretches between balance biases */
  for (int i = 0; i <= l->count; i++) {
    bool last = i == l->count;
    if (!last && l->tensors[i].kind != PARAMETER_BALANCE) continue;
    int64_t to = last ? l->total : l->tensors[i].offset;
    if (to > from && p->backend->sum_squares(sum, p->gradients + from, to - from, &k) < 0) return kernel_failed(e, &k);
    if (!last) from = to + l->tensors[i].count;
  }
  return 0;
}

struct plan_cost optimizer_cost(const struct optimizer *o) {
  struct plan_cost cost = {0};
  for (int i = 0; i < o->group_count; i++) {
    const struct group *g = &o->groups[i];
    const struct parameter_tensor *t = &o->parameters->layout.tensors[g->first];
    double n = (double)g->count, rows = (double)t->shape[0], columns = (double)t->shape[1], short_side = fmin(rows, columns);
    switch (g->rule) {
      case RULE_ADAMW: cost.flops += 7 * n, cost.bytes += 7 * n * sizeof(real); break;
      case RULE_MUON: cost.flops += 5 * (4 * n * short_side + 2 * short_side * short_side * short_side), cost.bytes += 5 * n * sizeof(real); break;
      case RULE_SOAP: cost.flops += 5 * n * ((rows <= (double)o->settings.longest ? rows : 0) + (columns <= (double)o->settings.longest ? columns : 0)), cost.bytes += 7 * n * sizeof(real); break;
      case RULE_BALANCE: break;
    }
  }
  return cost;
}
