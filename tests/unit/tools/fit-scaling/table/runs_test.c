/* SPDX-License-Identifier: MIT
 *
 * Tables of every layout as columns of numbers: names, units, what follows from what, bad rows, and errors that help.
 */
#include "tools/fit-scaling/table/runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/tap.h"

enum { N_D_L = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LOSS };

static struct runs r;
static struct err e;

static const char *file(const char *name, const void *text, size_t n) {
  static char path[2][4096];
  static int turn;
  turn = !turn;
  snprintf(path[turn], sizeof path[turn], "%s/%s", tap_folder(), name);
  FILE *f = fopen(path[turn], "w");
  fwrite(text, 1, n, f);
  fclose(f);
  return path[turn];
}

/* Reads `text` as the file t; option lists end with NULL. */
static int parse_with(const char *text, unsigned needs, const char *const *columns, const char *const *where, const char *by) {
  struct option_list c = {(const char **)columns, 0}, w = {(const char **)where, 0};
  while (columns && columns[c.count]) c.count++;
  while (where && where[w.count]) w.count++;
  struct runs_options options = {.needs = needs, .columns = &c, .where = &w, .by = by};
  const char *name = file("t", text, strlen(text));
  runs_release(&r);
  e.message[0] = 0;
  return runs_read(&r, &name, 1, &options, &e);
}

static int parse(const char *text) { return parse_with(text, N_D_L, NULL, NULL, NULL); }

/* Of a message, what follows the folder of this test. */
static const char *behind_folder(const char *message) {
  const char *at = strstr(message, tap_folder());
  return at ? at + strlen(tap_folder()) + 1 : message;
}

static bool row_is(size_t row, double params, double tokens, double loss) {
  return row < r.count && r.column[RUN_PARAMS][row] == params && r.column[RUN_TOKENS][row] == tokens && r.column[RUN_LOSS] && r.column[RUN_LOSS][row] == loss;
}

static void layouts(void) {
  ok(parse("loss\tseed\ttokens\tparams\tflops\n2.5\t7\t1e9\t2M\t9e15\n") == 0 && r.count == 1 && row_is(0, 2e6, 1e9, 2.5) && r.column[RUN_FLOPS][0] == 9e15, "columns are found by name, whatever their order");
  ok(parse("\xEF\xBB\xBFparams,tokens,\"note, long\",loss\r\n1e6,2e6,\"a \"\"b\"\",\nc\",3\r\n\"1e6\",4e6,,2.5\r\n") == 0 && r.count == 2 && row_is(0, 1e6, 2e6, 3) && row_is(1, 1e6, 4e6, 2.5),
     "CSV: quotes, a line end within them, CRLF, a byte order mark");
  ok(parse("# params,tokens,loss\n1e6,2e6,3\n") == 0 && row_is(0, 1e6, 2e6, 3), "a header behind #");
  ok(parse("params tokens loss\n1e6 2e6 3\n") == -1 && strstr(e.message, "by tabs or commas, not by spaces"), "spaces separate nothing, which is said");
  ok(parse("params;tokens;loss\n1e6;2e6;3\n") == 0 && row_is(0, 1e6, 2e6, 3), "semicolons");
  ok(parse("\"params\"\t\"tokens\"\t\"loss\"\n1e6\t2e6\t3\n") == 0 && row_is(0, 1e6, 2e6, 3), "a TSV header in quotes, as R writes it");
  ok(parse("{\"params\":1e6,\"tokens\":2e6,\"loss\":3}\n{\"loss\": \"2.5\", \"n\\u006fte\": [1, {\"x\": \"]\"}], \"tokens\": 4e6,\n \"params\": 1000000}\n\n") == 0 && r.count == 2 &&
         row_is(0, 1e6, 2e6, 3) && row_is(1, 1e6, 4e6, 2.5),
     "JSON Lines, also an object over two lines, keys in another order, escapes");
  ok(parse(" [\n {\"parameters\": 49999999, \"compute_budget\": 6e18, \"final_loss\": 7.5},\n {\"parameters\": 1e8, \"compute_budget\": 6e18, \"final_loss\": 7}\n]\n") == 0 && r.count == 2 &&
         row_is(1, 1e8, 6e18 / 6e8, 7),
     "one array of objects");
  ok(parse("{\"version\": 1, \"runs\": [{\"params\": 1e6, \"tokens\": 2e6, \"loss\": 3}], \"by\": {\"a\": [1]}}") == 0 && r.count == 1, "an object that holds an array of objects");
  ok(parse("{\"params\": 1e6, \"tokens\": 2e6, \"history\": [{\"loss\": 9}], \"loss\": 3}\n") == 0 && row_is(0, 1e6, 2e6, 3), "a row that holds an array of objects is a row");
  ok(parse("{\"config\": {\"params\": 1e6, \"tokens\": 2e6}, \"loss\": 3}\n") == -1 && strstr(e.message, "config.params, config.tokens, loss"), "columns of objects within objects are outer.inner");
  const char *columns[] = {"params=config.params", "tokens=config.tokens", NULL};
  ok(parse_with("{\"config\": {\"params\": 1e6, \"tokens\": 2e6}, \"loss\": 3}\n", N_D_L, columns, NULL, NULL) == 0 && row_is(0, 1e6, 2e6, 3), "and --column reaches them");
  ok(parse("{\"params\":1e6,\"tokens\":2e6,\"loss\":3}\n{\"params\":1e6,\"tokens\"\nx\n{\"N\":1e6,\"D\":4e6,\"loss\":2}\n") == 0 && r.count == 2 && r.rows == 4 && r.bad == 2 && row_is(1, 1e6, 4e6, 2),
     "a damaged line of JSON Lines is a bad row, and another line may have other keys");
  ok_string(behind_folder(r.first_bad.message), "t:2: not JSON", "with its line");
  ok(parse("[{\"params\":1e6,\"tokens\":2e6,\"loss\":3}, 7, {\"params\":1e6,\"tokens\":4e6,\"loss\":NaN}]") == 0 && r.count == 1 && r.bad == 2, "elements that are no objects, and NaN as Python writes it");
  ok(parse("[{\"params\":1e6,\"tokens\":2e6,\"loss\":3}, {\"params\":1e6") == -1 && strstr(e.message, ":1: the text ends within an object"), "an array that ends too early is an error");
  ok(parse("{\"params\": [1e6, 1e7], \"tokens\": [2e6, 2e7], \"loss\": [3, 2]}") == -1 && strstr(e.message, "each run must be an object"), "columns as arrays are told that rows are wanted");
  ok(parse("{x") == -1 && strstr(e.message, "t:1: not JSON") && parse("[]\n") == -1 && strstr(e.message, "without rows"), "nothing but damage, nothing at all");
  ok(parse("{\"a\":[{\"params\":1e6,\"tokens\":2e6,\"loss\":3}],\"b\":[{\"params\":1}]}") == -1 && strstr(e.message, "several arrays"), "so are two arrays of objects");
  ok(parse("params\tloss\n\"1\n") == -1 && parse("params,tokens,loss\n1,2,\"3\n") == -1 && strstr(e.message, ":2: a quote that is never closed"), "and a quote that is never closed");
  ok(parse("PK\3\4xx") == -1 && strstr(e.message, "zip"), "a spreadsheet is named as one");
}

static void headers(void) {
  ok(parse("params\ttokens\tloss\n1e6\t2e6\t3\nparams\ttokens\tloss\n1e6\t3e6\t2.9\nloss\ttokens\tparams\n2.8\t4e6\t1e6\r\n") == 0 && r.count == 3 && r.rows == 3 && r.bad == 0 && row_is(2, 1e6, 4e6, 2.8),
     "repeated headers are skipped, one of another order holds from there, CRLF too");
  ok(parse("params\ttokens\tloss\n1e6\t2e6\t3\nseed\tN\tD\tfinal_loss\tlr\n0\t1e6\t4e6\t2\t1e-3\n") == 0 && r.count == 2 && r.bad == 0 && row_is(1, 1e6, 4e6, 2) && isnan(r.column[RUN_LR][0]) && r.column[RUN_LR][1] == 1e-3,
     "so does one of more columns and other names");
  ok(parse("params\ttokens\tloss\n1e6\t2e6\t3\nparams\ttokens\tseed\n1e6\t4e6\t2\n") == -1, "one that lacks a needed column is an error");
  ok_string(behind_folder(e.message), "t:3: the header lacks 'loss' (or final_loss, validation_loss, val_loss, eval_loss, valid_loss, ..., or loss:DOMAIN); it has: params, tokens, seed; say --column loss=NAME", "that says what it has and what helps");
  ok(parse("1e6\t2e6\t3\n") == -1 && strstr(e.message, "no header"), "numbers alone are no table");
  ok(parse("params\ttokens\tloss\n") == -1 && strstr(e.message, "a table without rows"), "neither is a header alone");
  ok(parse("") == -1 && strstr(e.message, "nothing in it") && parse("\n \r\n\n") == -1, "nor nothing");
  ok(parse("params\ttokens\tloss\tparams\n1e6\t2e6\t3\t9\n") == 0 && row_is(0, 1e6, 2e6, 3) && r.warning_count == 1 && strstr(r.warning[0].message, "'params' twice"), "of equal names the first counts, with a warning");
  ok(parse("Model Size,Training FLOP,n,loss\n1e6,6e12,5,3\n") == 0 && row_is(0, 5, 6e12 / 30, 3) && r.warning_count == 1 && strstr(r.warning[0].message, "both 'n' and 'Model Size'"), "of names that look alike one is taken, with a warning");
  ok(parse("parameters (M)\tTokens (billion tokens)\tflops (1e18)\tloss [bits]\tlearning-rate\n70\t1.4\t6\t4\t3e-4\n1.4B\t2\t-\t4\t\n") == 0 && r.count == 2 && r.column[RUN_PARAMS][0] == 70e6 && r.column[RUN_TOKENS][0] == 1.4e9 &&
         r.column[RUN_FLOPS][0] == 6e18 && fabs(r.column[RUN_LOSS][0] - 4 * log(2)) < 1e-15 && r.column[RUN_LR][0] == 3e-4 && r.column[RUN_PARAMS][1] == 1.4e9 && isnan(r.column[RUN_LR][1]),
     "units in names; a value with a unit of its own needs none");
  ok(parse("N (M params),compute [PF-days],loss (nats/token)\n70,1,3\n") == 0 && row_is(0, 70e6, 8.64e19 / 420e6, 3), "in brackets with what is counted");
  ok(parse("params\ttokens\tloss\tcompute_tflops\tbudget_tokens\tloss_2\n1e6\t2e6\t3\t312\t5\t6\n") == 0 && r.column[RUN_FLOPS][0] == 1.2e13, "what only looks like a unit is none");
  const char *columns[] = {"loss=smooth loss", "params=size*1e6", "batch=bs*2048", NULL};
  ok(parse_with("size\tD\tloss\tsmooth loss\tbs\n2\t1e9\t9\t2.5\t100\n", N_D_L, columns, NULL, NULL) == 0 && row_is(0, 2e6, 1e9, 2.5) && r.column[RUN_BATCH][0] == 204800, "--column names a column and a factor");
  ok(parse_with("size\tD\tloss\tbs\n2\t1e9\t9\t100\n", N_D_L, columns, NULL, NULL) == -1 && strstr(e.message, "lacks the column 'smooth loss'"), "one that is not there is an error, even where another would do");
  const char *wrong[] = {"size=params", NULL}, *sign[] = {"params=size*-1", NULL};
  ok(parse_with("params\n", N_D_L, wrong, NULL, NULL) == -1 && e.kind == ERR_USAGE && strstr(e.message, "unique_tokens") && parse_with("", 0, sign, NULL, NULL) == -1 && e.kind == ERR_USAGE, "a wrong --column is a usage error");
  e.kind = ERR_FAILED;
  ok(parse("params\ttokens\tloss\tbatch\tseq\n1e6\t2e6\t3\t16\t256\n") == 0 && r.column[RUN_BATCH][0] == 4096, "batch counts sequences where their length stands beside it, as lm-train writes it");
  ok(parse("params\ttokens\tflops\tloss\tbpb\tseed\tconfig_hash\tsteps\tbatch\tseq\tlr\tmin_lr\twarmup\tschedule\tweight_decay\tlayers\thidden_size\tvocab_size\tparams_all\t"
           "optimizer\tdtype\tz_loss\tmup_base\tskipped\tnoise_scale\tinit\tsources\tval_losses\n"
           "98304\t409600\t251658240000\t3.5\t\t0\t0123456789abcdef\t100\t16\t256\t0.003\t0\t0\tcosine\t0.1\t2\t64\t512\t131072\tadamw\tfp32\t0\t0\t0\t\tdefault\ttrain_*.bin:1\tvalidation:3.5\n") == 0 &&
         row_is(0, 98304, 409600, 3.5) && r.column[RUN_BATCH][0] == 4096 && r.column[RUN_STEPS][0] == 100 && r.column[RUN_LR][0] == .003 && r.warning_count == 0,
     "all columns of lm-train's table");
  ok(parse("params\ttokens\tloss\tbatch_tokens\tseq\n1e6\t2e6\t3\t4096\t256\n") == 0 && r.column[RUN_BATCH][0] == 4096, "batch_tokens counts tokens");
}

static void rows(void) {
  ok(parse("params\ttokens\tloss\n1e6\t2e6\tnan\n1e6\t2e6\n-1\t2e6\t3\n1e6\t2e6\t0x1\n\n1e6\t2e6\t3\ninf\t2e6\t3\n1e6\t2e6\t3\t4\n1e6\t2e6\t3\t\n0\t2e6\t3\n1e400\t2e6\t3\n") == 0 && r.count == 2 && r.rows == 10 && r.bad == 8,
     "bad rows are counted and left out, empty lines are nothing");
  ok_string(behind_folder(r.first_bad.message), "t:2: loss is missing: 'nan'", "the first one is named");
  ok(parse("params\ttokens\tflops\tloss\n1e6\t2e6\t\t3\n1e6\t2e6\tx\t3\n1e6\tNA\t6e13\t3\n-\t1e7\t6e13\t3\n1e300\t1e300\t\t3\n") == 0 && r.count == 3 && r.bad == 2 && r.column[RUN_FLOPS][0] == 1.2e13 && row_is(1, 1e6, 1e7, 3) && row_is(2, 1e6, 1e7, 3),
     "of params, tokens, flops each follows from the others, row by row");
  ok(parse("params\ttokens\tloss\n1e6\t2e6\tx\n") == -1 && strstr(e.message, "none of 1 rows can be used") && strstr(e.message, "t:2: loss is not a positive number: 'x'"), "all rows bad is an error");
  ok(parse("params\ttokens\tloss\taccuracy\tlr\n1e6\t2e6\t3\t45.3\tx\n") == 0 && isnan(r.column[RUN_ACCURACY] ? r.column[RUN_ACCURACY][0] : NAN), "a wrong number that nobody needs spoils nothing");
  ok(parse("params\ttokens\tloss\tcompute\n1e6\t2e6\t3\tTPU\n") == 0 && r.column[RUN_FLOPS][0] == 1.2e13, "nor does text in a column that is only taken for flops");
  ok(parse_with("model_size\tloss\taccuracy\nsmall\t3\t.5\n", 1 << RUN_LOSS | 1 << RUN_ACCURACY, NULL, NULL, NULL) == 0 && r.count == 1, "text for params neither, where only accuracy and loss are needed");
  ok(parse_with("params,tokens,error\n1e6,2e6,.25\n1e6,2e6,1\n1e6,2e6,1.5\n", 1 << RUN_ACCURACY, NULL, NULL, NULL) == 0 && r.count == 2 && r.column[RUN_ACCURACY][0] == .75 && r.column[RUN_ACCURACY][1] == 0, "an error is 1 - accuracy");
  ok(parse_with("model,error\nx,.5\nmodel,error\ny,.25\n", 1 << RUN_ACCURACY, NULL, NULL, NULL) == 0 && r.count == 2 && r.bad == 0, "a repeated header is known whatever it names");
  ok(parse_with("params,tokens,acc (%)\n1e6,2e6,25\n", 1 << RUN_ACCURACY, NULL, NULL, NULL) == 0 && r.column[RUN_ACCURACY][0] == .25, "percent");
  ok(parse_with("params,tokens,loss,epochs,U\n1e6,2e6,3,4,\n1e6,2e6,3,,1e5\n1e6,2e6,3,,\n", N_D_L | 1 << RUN_UNIQUE_TOKENS, NULL, NULL, NULL) == 0 && r.column[RUN_UNIQUE_TOKENS][0] == 5e5 && r.column[RUN_UNIQUE_TOKENS][1] == 1e5 && r.column[RUN_UNIQUE_TOKENS][2] == 2e6,
     "unique tokens, from epochs too; without either nothing is repeated");
  ok(parse("params\ttokens\tflops\tloss\n1e6\t2e6\t1.2e14\t3\n1e6\t4e6\t2.4e14\t3\n") == 0 && r.warning_count == 1 && strstr(r.warning[0].message, "2 of 2 rows"), "flops that count something else give a warning");
  ok(parse("params\ttokens\tloss\n1e6\t2e6\t3\n1e6\t4e6\t3\n1e6\t2e6\t3\n1e6\t2e6\t3\n") == 0 && r.duplicates == 2, "equal rows are counted");
  char *text = MALLOC(200000);
  size_t n = (size_t)sprintf(text, "params\ttokens\tloss\n1e6\t2e6\t3");
  for (size_t i = n; i < 199999; i++) text[i] = i % 2 ? 'x' : 'y';
  text[199999] = 0;
  text[n] = '\n';
  ok(parse(text) == 0 && r.count == 1 && r.bad == 1 && strlen(r.first_bad.message) < 5000, "a very long line");
  free(text);
  static const char nul[] = "params\ttokens\tloss\n1e6\t2e6\t3\0\n1e6\t4e6\t3\n1e6\t\xFF\xC3\t3\n";
  const char *name = file("nul", nul, sizeof nul - 1);
  runs_release(&r);
  ok(runs_read(&r, &name, 1, &(struct runs_options){.needs = N_D_L}, &e) == 0 && r.count == 1 && r.bad == 2 && strstr(r.first_bad.message, ":2: loss is not a positive number: '3?'"), "NUL and invalid UTF-8 are bad rows");
}

static void choices(void) {
  static const char table[] = "params\ttokens\tloss\trecipe\tseed\n1e6\t2e6\t3\tbase\t1\n1e6\t4e6\t2.9\tmore, data\t1\n1e6\t8e6\tnan\tbase\t1e0\n1e6\t16e6\t2.7\tbase\t2\n1e6\t32e6\t2.6\t\t1\n";
  const char *base[] = {"recipe=base", NULL}, *both[] = {"seed=1.0", "recipe!=base", NULL}, *derived[] = {"flops>=2.4e13", "flops < 1e14", NULL}, *none[] = {"recipe=other", NULL}, *absent[] = {"colour=red", NULL},
             *text[] = {"recipe<b", NULL};
  ok(parse_with(table, N_D_L, NULL, base, NULL) == 0 && r.count == 2 && r.bad == 1 && r.unwanted == 2 && r.rows == 5, "--where keeps rows with this text");
  ok(parse_with(table, N_D_L, NULL, both, NULL) == 0 && r.count == 2 && r.bad == 0 && row_is(0, 1e6, 4e6, 2.9), "several hold together, numbers are compared as numbers");
  ok(parse_with(table, N_D_L, NULL, derived, NULL) == 0 && r.count == 2 && row_is(1, 1e6, 16e6, 2.7), "a number that follows from others");
  ok(parse_with(table, N_D_L, NULL, none, NULL) == -1 && strstr(e.message, "leaves none of 5 rows") && strstr(e.message, "recipe 'base'"), "nothing left is an error");
  ok(parse_with(table, N_D_L, NULL, absent, NULL) == -1 && strstr(e.message, "lacks the column 'colour' of --where; it has: params"), "so is a column that is not there");
  ok(parse_with(table, N_D_L, NULL, text, NULL) == -1 && e.kind == ERR_USAGE, "and text that should be below other text");
  e.kind = ERR_FAILED;
  ok(parse_with(table, N_D_L, NULL, NULL, "recipe") == 0 && r.group_count == 3 && strcmp(r.group_name[1], "more, data") == 0 && strcmp(r.group_name[2], "NA") == 0 && r.group[2] == 0 && r.group[3] == 2, "--by numbers the values of a column");
  ok(parse_with("{\"params\":1e6,\"tokens\":2e6,\"loss\":3}\n{\"params\":1e6,\"tokens\":2e6,\"loss\":3,\"r\":\"x\"}\n", N_D_L, NULL, NULL, "r") == 0 && r.group_count == 2 && r.group[1] == 1 && strcmp(r.group_name[1], "x") == 0, "of objects too");
  ok(parse_with("{\"params\":1e6,\"tokens\":2e6,\"loss\":3}\n", N_D_L, NULL, NULL, "r") == -1 && strstr(e.message, "no object has the key 'r' of --by"), "where one must have it");
  struct runs half = {0};
  bool keep[] = {true, false, false, true};
  parse_with(table, N_D_L, NULL, NULL, "recipe");
  runs_select(&half, &r, keep);
  ok(half.count == 2 && half.group_count == 3 && half.group[1] == 2 && half.column[RUN_TOKENS][1] == 32e6, "rows are selected with their groups");
  runs_release(&half);
}

static void mixtures(void) {
  unsigned needs = 1 << RUN_LOSS | RUN_NEEDS_SHARES;
  ok(parse_with("share:web,mix:code,loss\n30,70,3\n.5,.5,2.9\n,1,2.8\n,,2.7\n-1,2,2.6\n0,0,2.5\n", needs, NULL, NULL, NULL) == 0 && r.count == 3 && r.bad == 3 && r.source_count == 2 && strcmp(r.source[1], "code") == 0 &&
         r.share[0] == .3 && r.share[1] == .7 && r.share[4] == 0 && r.share[5] == 1 && r.warning_count == 0,
     "shares are made to sum to 1, from percent silently");
  ok(parse_with("share:a\tshare:b\tloss\n1\t3\t3\n", needs, NULL, NULL, NULL) == 0 && r.share[1] == .75 && r.warning_count == 1, "from other sums with a warning");
  ok(parse_with("sources\tloss\nweb:0.25,code:0.75\t3\nx:y:1\t2.9\nweb:1\t2.8\nweb\t2.7\n\t2.6\n", needs, NULL, NULL, NULL) == 0 && r.count == 3 && r.bad == 2 && r.source_count == 3 && strcmp(r.source[2], "x:y") == 0 &&
         r.share[1] == .75 && r.share[2] == 0 && r.share[3] == 0 && r.share[5] == 1 && r.share[6] == 1,
     "lm-train's column of sources");
  ok(parse_with("share:a,share:b,loss:web,loss:code\n1,3,3,1\n1,1,2,\n", needs, NULL, NULL, NULL) == 0 && r.count == 1 && r.bad == 1 && r.domain_count == 2 && r.domain_loss[1] == 1 && r.column[RUN_LOSS][0] == 2,
     "losses of several validation sets; the loss is their mean");
  ok(parse_with("sources\tloss\tval_losses\na:1\t3\tx:3,y:2\na:1\t3\tx:3,y:\na:1\t3\ty:1,x:4\n", needs, NULL, NULL, NULL) == 0 && r.count == 2 && r.bad == 1 && r.domain_count == 2 && r.domain_loss[1] == 2 && r.domain_loss[2] == 4,
     "lm-train's column of them");
  const char *columns[] = {"share:web=w", "share:code=c", NULL};
  ok(parse_with("w\tc\tloss\n1\t0\t3\n", needs, columns, NULL, NULL) == 0 && r.source_count == 2 && r.share[0] == 1, "--column share:SOURCE");
  ok(parse_with("share:a,share:b,loss:web,Loss:code\n1,0,3,2\n0,1,2,1\n.5,.5,,1\n.5,.5,0,1\n", needs, NULL, NULL, NULL) == 0 && r.count == 2 && r.bad == 2 && r.domain_count == 2 &&
         strcmp(r.domain[1], "code") == 0 && r.domain_loss[2] == 2 && r.domain_loss[3] == 1 && r.column[RUN_LOSS][0] == 2.5,
     "losses of domains: loss is their mean, and a mixture needs all of them");
  ok(strstr(r.first_bad.message, ":4: loss:web is missing") != NULL, "a row that lacks one says which");
  const char *domains[] = {"loss:web=w*2", NULL};
  ok(parse_with("params\ttokens\tw\tloss\n1\t2\t3\t4\n1\t2\t\t5\n", N_D_L, domains, NULL, NULL) == 0 && r.count == 2 && r.domain_loss[0] == 6 && isnan(r.domain_loss[1]) && row_is(0, 1, 2, 4),
     "--column loss:DOMAIN; a loss that is there stays");
  ok(parse_with("params\tloss\n1\t3\n", needs, NULL, NULL, NULL) == -1 && strstr(e.message, "share:SOURCE"), "a table without shares is told what it lacks");
}

static void files(void) {
  struct runs_options options = {.needs = N_D_L};
  struct buffer text = {0};
  buffer_append_string(&text, "params\ttokens\tloss\tnote\n");
  for (int i = 0; i < 3000; i++) buffer_printf(&text, "%d\t%d\t3.5\t%s\n", 1000 + i, 2000 + i, i % 100 ? "short" : "a long note that makes lines uneven");
  buffer_append_string(&text, "8\t9\t10");
  const char *names[2] = {file("one", text.data, text.len), file("two", "tokens,params,loss\n2,1,3\n", 25)};
  runs_release(&r);
  ok(runs_read(&r, names, 2, &options, &e) == 0 && r.count == 3002 && row_is(2999, 3999, 4999, 3.5) && row_is(3000, 8, 9, 10) && row_is(3001, 1, 2, 3), "several files, each with its own header");
  buffer_clear(&text);
  buffer_append_string(&text, "params\ttokens\tloss");
  for (int i = 0; i < 100000; i++) buffer_printf(&text, "\tc%d", i);
  buffer_append_string(&text, "\n1\t2\t3\n");
  names[0] = file("wide", text.data, text.len);
  runs_release(&r);
  ok(runs_read(&r, names, 1, &options, &e) == 0 && row_is(0, 1, 2, 3), "a header of 100,003 columns");
  buffer_clear(&text);
  for (int i = 0; i < 100000; i++) buffer_put(&text, '[');
  names[0] = file("deep", text.data, text.len);
  runs_release(&r);
  ok(runs_read(&r, names, 1, &options, &e) == -1, "brackets 100,000 deep");
  buffer_clear(&text);
  for (int i = 0; i < 100000; i++) buffer_append_string(&text, "{\"a\":");
  names[0] = file("deep", text.data, text.len);
  runs_release(&r);
  ok(runs_read(&r, names, 1, &options, &e) == -1, "objects too");
  buffer_release(&text);
}

static void shared_data(void) {
  static const struct {
    const char *path;
    size_t count;
    const char *columns[6];
  } tables[] = {{"data/scaling/chinchilla_epoch_svg.csv", 245, {0}}, {"data/scaling/cs336_a3_isoflops.json", 72, {0}}, {"data/cs336/a3/data/isoflops_curves.json", 72, {0}},
                {"data/scaling/llama3_isoflops_points.csv", 133, {0}}, {"data/scaling/openathena_misfitting.csv", 176, {0}},
                {"data/scaling/steplaw_dense_lr_bs_loss.csv", 1911, {"params=N", "tokens=D", "batch=bs*2048", "steps=ti", "loss=smooth loss", NULL}}};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    const char *path = tap_shared(tables[i].path + 5);
    if (!path) {
      skip("no ../shared", tables[i].path);
      continue;
    }
    struct option_list columns = {(const char **)tables[i].columns, 0};
    while (tables[i].columns[columns.count]) columns.count++;
    struct runs_options options = {.needs = N_D_L | 1 << RUN_FLOPS, .columns = &columns};
    runs_release(&r);
    ok(runs_read(&r, &path, 1, &options, &e) == 0 && r.count == tables[i].count && r.bad == 0 && r.warning_count == 0, "%s: %zu runs", tables[i].path, tables[i].count);
  }
}

int main(void) {
  layouts();
  headers();
  rows();
  choices();
  mixtures();
  files();
  shared_data();
  runs_release(&r);
  return tap_done();
}
