/* SPDX-License-Identifier: MIT */
#include "common/train/loader.h"

#include <ctype.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/rng.h"

struct stream { /* shards joined in order */
  char **paths;
  struct shard_file **files;
  int64_t *starts; /* of each shard; starts[count] = tokens in all */
  int count;
};

struct source {
  struct stream stream;
  char *name;
  double weight, share;
  int64_t windows, draws;
  int64_t held_from, held; /* validation: its first token, its predictions */
};

struct validation {
  struct stream stream;
  char *name;
  int64_t tokens;          /* predictions */
};

struct loader {
  struct source *sources;
  int source_count;
  struct validation *validations; /* none: the tails of the sources are held back instead */
  int validation_count;
  int64_t T, vocab_size;
  uint64_t seed;
  struct loader_info info;
  const char *info_from; /* the shard that set it */
};

struct loader *loader_new(void) {
  struct loader *l = NEW(struct loader);
  l->info.end_of_text = -1;
  return l;
}

static void stream_release(struct stream *s) {
  for (int i = 0; i < s->count; i++) {
    shard_file_close(s->files[i]);
    free(s->paths[i]);
  }
  free(s->paths), free(s->files), free(s->starts);
}

void loader_free(struct loader *l) {
  if (!l) return;
  for (int i = 0; i < l->source_count; i++) stream_release(&l->sources[i].stream), free(l->sources[i].name);
  for (int i = 0; i < l->validation_count; i++) stream_release(&l->validations[i].stream), free(l->validations[i].name);
  free(l->sources), free(l->validations);
  free(l);
}

/* ---- opening */

static int agree(struct loader *l, const struct shard_header *h, const char *path, struct err *e) {
  if (!h->ours) return 0;
  struct loader_info *info = &l->info;
  if (!info->ours) {
    info->ours = true, info->vocabulary_size = h->vocabulary_size, info->end_of_text = h->end_of_text, info->tokenizer_hash = h->tokenizer_hash;
    l->info_from = path;
    return 0;
  }
  if (h->tokenizer_hash != info->tokenizer_hash || h->vocabulary_size != info->vocabulary_size || h->end_of_text != info->end_of_text)
    return err_set(e, "%s: made with another tokenizer than %s", path, l->info_from);
  return 0;
}

static int stream_add(struct loader *l, struct stream *s, const char *path, struct err *e) {
  struct shard_file *file;
  if (shard_file_open(&file, path, e) < 0) return -1;
  const struct shard_header *h = shard_file_header(file);
  char *name = STRDUP(path);
  s->paths = RESIZE(s->paths, (size_t)s->count + 1);
  s->files = RESIZE(s->files, (size_t)s->count + 1);
  s->starts = RESIZE(s->starts, (size_t)s->count + 2);
  if (s->count == 0) s->starts[0] = 0;
  s->paths[s->count] = name, s->files[s->count] = file;
  s->starts[s->count + 1] = s->starts[s->count] + h->count;
  s->count++;
  l->info.tokens += h->count;
  return agree(l, h, name, e);
}

static int stream_add_glob(struct loader *l, struct stream *s, const char *pattern, struct err *e) {
  if (!strpbrk(pattern, "*?[")) return stream_add(l, s, pattern, e);
  glob_t matches;
  int status = glob(pattern, GLOB_ERR, NULL, &matches), result = 0;
  if (status == GLOB_NOMATCH) return err_set(e, "%s: no such file", pattern);
  if (status != 0) return err_errno(e, "%s", pattern);
  for (size_t i = 0; i < matches.gl_pathc && result == 0; i++) result = stream_add(l, s, matches.gl_pathv[i], e);
  globfree(&matches);
  return result;
}

static bool name_taken(const struct loader *l, bool validation, const char *name) {
  for (int i = 0; i < (validation ? l->validation_count : l->source_count); i++)
    if (strcmp(validation ? l->validations[i].name : l->sources[i].name, name) == 0) return true;
  return false;
}

/* "a/web_*.bin" -> "web", "web/[0-9].bin" -> "web", "c4.en.bin" -> "c4_en"; a number follows what is there already. */
static char *stream_name(const struct loader *l, bool validation, const char *pattern) {
  const char *begin = pattern + strlen(pattern);
  struct buffer name = {0}, numbered = {0};
  while (begin > pattern && name.len == 0) {
    while (begin > pattern && begin[-1] != '/') begin--;
    size_t n = strcspn(begin, "*?[/");
    if (begin[n] == 0 || begin[n] == '/') { /* the ending of a file's name */
      size_t dot = n;
      while (dot > 0 && begin[dot] != '.') dot--;
      if (dot > 0) n = dot;
    }
    while (n > 0 && strchr("-_.", begin[n - 1])) n--;
    for (size_t i = 0; i < n; i++) buffer_put(&name, isalnum((unsigned char)begin[i]) || begin[i] == '-' ? begin[i] : '_');
    if (name.len == 0 && begin > pattern) begin--;
  }
  if (name.len == 0) buffer_append_string(&name, validation ? "validation" : "source");
  buffer_append_string(&numbered, buffer_string(&name));
  for (int k = 2; name_taken(l, validation, buffer_string(&numbered)); k++) {
    buffer_clear(&numbered);
    buffer_printf(&numbered, "%s_%d", buffer_string(&name), k);
  }
  char *result = STRDUP(buffer_string(&numbered));
  buffer_release(&name), buffer_release(&numbered);
  return result;
}

int loader_add_source(struct loader *l, const char *spec, struct err *e) {
  double weight = 1;
  const char *colon = strchr(spec, ':');
  if (colon && colon != spec) {
    char *number = COPY(spec, (size_t)(colon - spec));
    bool is_weight = number_double(number, &weight) == 0;
    free(number);
    if (is_weight && !(weight > 0)) return err_usage(e, "-d %s: a weight must be positive", spec);
    if (is_weight) spec = colon + 1;
    else weight = 1;
  }
  char *name = stream_name(l, false, spec);
  l->sources = RESIZE(l->sources, (size_t)l->source_count + 1);
  l->sources[l->source_count] = (struct source){.weight = weight, .name = name};
  return stream_add_glob(l, &l->sources[l->source_count++].stream, spec, e);
}

int loader_add_shard(struct loader *l, const char *path, struct err *e) { return stream_add(l, &l->sources[l->source_count - 1].stream, path, e); }

int loader_add_validation(struct loader *l, const char *spec, struct err *e) {
  char *name = stream_name(l, true, spec);
  l->validations = RESIZE(l->validations, (size_t)l->validation_count + 1);
  l->validations[l->validation_count] = (struct validation){.name = name};
  return stream_add_glob(l, &l->validations[l->validation_count++].stream, spec, e);
}

void loader_info(const struct loader *l, struct loader_info *info) { *info = l->info; }

/* ---- starting */

int loader_start(struct loader *l, int64_t T, int64_t vocab_size, uint64_t seed, int64_t eval_tokens, struct err *e) {
  l->T = T, l->seed = seed, l->vocab_size = vocab_size;
  if (l->info.vocabulary_size > vocab_size)
    return err_set(e, "%s: ids go up to %lld, but the model's vocab_size is %lld", l->info_from, (long long)l->info.vocabulary_size - 1, (long long)vocab_size);
  bool held_back = l->validation_count == 0;
  double sum = 0;
  for (int i = 0; i < l->source_count; i++) sum += l->sources[i].weight;
  if (!isfinite(sum)) return err_usage(e, "-d: the weights of the sources add up to more than a number can be; only their proportions count");
  for (int i = 0; i < l->source_count; i++) {
    struct source *s = &l->sources[i];
    int64_t n = s->stream.starts[s->stream.count], m = held_back ? n / 10 * 9 + n % 10 * 9 / 10 : n; /* floor(.9 n) */
    s->share = s->weight / sum;
    s->windows = m > T ? (m - 1) / T : 0;
    if (s->windows == 0)
      return err_set(e, "%s%s: %lld tokens%s are fewer than one sequence of %lld + 1; lower --seq or give more data", s->stream.paths[0], s->stream.count > 1 ? " ..." : "",
                     (long long)m, held_back ? " for training" : "", (long long)T);
    int64_t limit = (int64_t)((double)eval_tokens * s->share);
    s->held_from = m;
    s->held = !held_back ? 0 : n - m - 1 < limit ? n - m - 1 : limit;
  }
  for (int i = 0; i < l->validation_count; i++) {
    struct validation *v = &l->validations[i];
    int64_t n = v->stream.starts[v->stream.count] - 1, limit = eval_tokens / l->validation_count + (i < eval_tokens % l->validation_count);
    v->tokens = n < 0 ? 0 : n < limit ? n : limit;
  }
  if (loader_validation_tokens(l) < 1) return err_set(e, "no tokens are left for validation: give -V or more data");
  return 0;
}

int64_t loader_training_tokens(const struct loader *l) {
  int64_t n = 0;
  for (int i = 0; i < l->source_count; i++) n += l->sources[i].windows * l->T;
  return n;
}

int loader_sources(const struct loader *l) { return l->source_count; }
const char *loader_source_name(const struct loader *l, int source) { return l->sources[source].name; }
double loader_share(const struct loader *l, int source) { return l->sources[source].share; }
int64_t loader_windows(const struct loader *l, int source) { return l->sources[source].windows; }
int64_t loader_draws(const struct loader *l, int source) { return l->sources[source].draws; }
void loader_seek(struct loader *l, int source, int64_t draws) { l->sources[source].draws = draws; }

/* ---- reading */

static int stream_read(const struct loader *l, const struct stream *s, int64_t from, int64_t n, uint32_t *ids, struct err *e) {
  int low = 0, high = s->count - 1; /* the last shard that starts at or before `from` */
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (s->starts[middle] <= from) low = middle;
    else high = middle - 1;
  }
  for (; n > 0; low++) {
    int64_t here = s->starts[low + 1] - from;
    if (here > n) here = n;
    if (here <= 0) continue;
    if (shard_file_read(s->files[low], from - s->starts[low], (size_t)here, ids, e) < 0) return -1;
    for (int64_t i = 0; i < here; i++)
      if (ids[i] >= (uint64_t)l->vocab_size)
        return err_set(e, "%s: id %u of token %lld is outside the model's vocabulary of %lld", s->paths[low], ids[i], (long long)(from - s->starts[low] + i), (long long)l->vocab_size);
    ids += here, from += here, n -= here;
  }
  return 0;
}

uint64_t loader_permute(uint64_t i, uint64_t n, uint64_t key) {
  int half = 1; /* bits of each side */
  while (half < 32 && (1ull << (2 * half)) < n) half++;
  uint64_t mask = (1ull << half) - 1;
  do {
    uint64_t left = i >> half, right = i & mask;
    for (uint64_t round = 0; round < 6; round++) {
      uint64_t next = left ^ (splitmix64(key ^ splitmix64(right << 3 | round)) & mask);
      left = right, right = next;
    }
    i = left << half | right;
  } while (i >= n);
  return i;
}

/* The source that is furthest behind its share of all draws, this one included. */
static int turn(const struct loader *l) {
  int64_t draws = 1;
  for (int i = 0; i < l->source_count; i++) draws += l->sources[i].draws;
  int best = 0;
  double most = -1e300;
  for (int i = 0; i < l->source_count; i++) {
    double behind = l->sources[i].share * (double)draws - (double)l->sources[i].draws;
    if (behind > most) most = behind, best = i;
  }
  return best;
}

int loader_next(struct loader *l, int64_t count, uint32_t *windows, int32_t *sources, struct err *e) {
  for (int64_t k = 0; k < count; k++) {
    int i = turn(l);
    struct source *s = &l->sources[i];
    uint64_t epoch = (uint64_t)(s->draws / s->windows), key = splitmix64(splitmix64(l->seed) ^ splitmix64((uint64_t)i << 40 ^ epoch));
    int64_t window = (int64_t)loader_permute((uint64_t)(s->draws % s->windows), (uint64_t)s->windows, key);
    if (stream_read(l, &s->stream, window * l->T, l->T + 1, windows + k * (l->T + 1), e) < 0) return -1;
    s->draws++;
    if (sources) sources[k] = i;
  }
  return 0;
}

int64_t loader_validation_tokens(const struct loader *l) {
  int64_t n = 0;
  for (int i = 0; i < l->validation_count; i++) n += l->validations[i].tokens;
  for (int i = 0; i < l->source_count; i++) n += l->sources[i].held > 0 ? l->sources[i].held : 0;
  return n;
}

int loader_validation_sets(const struct loader *l) { return l->validation_count ? l->validation_count : l->source_count; }
const char *loader_validation_name(const struct loader *l, int set) { return l->validation_count ? l->validations[set].name : l->sources[set].name; }

static int64_t read_window(const struct loader *l, const struct stream *s, int64_t from, int64_t predictions, int64_t i, uint32_t *window, struct err *e) {
  int64_t n = predictions - i * l->T;
  if (n > l->T) n = l->T;
  return stream_read(l, s, from + i * l->T, n + 1, window, e) < 0 ? -1 : n;
}

int64_t loader_validation(struct loader *l, int64_t i, uint32_t *window, int *set, struct err *e) {
  for (int k = 0; k < loader_validation_sets(l); k++) {
    const struct source *s = l->validation_count ? NULL : &l->sources[k];
    const struct stream *stream = s ? &s->stream : &l->validations[k].stream;
    int64_t from = s ? s->held_from : 0, held = s && s->held > 0 ? s->held : 0, predictions = s ? held : l->validations[k].tokens;
    int64_t windows = (predictions + l->T - 1) / l->T;
    if (i >= windows) {
      i -= windows;
      continue;
    }
    if (set) *set = k;
    return read_window(l, stream, from, predictions, i, window, e);
  }
  return 0;
}
