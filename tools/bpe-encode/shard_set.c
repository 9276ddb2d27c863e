/* SPDX-License-Identifier: MIT
 *
 * Names, split, progress and resume of sets of shards; see shard_set.h.
 */
#include "tools/bpe-encode/shard_set.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/input.h"
#include "common/io/output.h"

enum { PARTS = 2, FIELDS = 7, VERIFY_TOKENS = 1 << 15, HEADER_BYTES = 1024 };

static const char magic[] = "crawl2lm-shards-progress\t1\n";
static const char table[] = "file\ttokens\tbytes\txxh3";
static const char progress_table[] = "file\ttokens\tbytes\txxh3\tdocument\tdocument_tokens\tpart\n";

struct row { /* a whole shard */
  char *file; /* without folder */
  int part;
  int64_t tokens, bytes;
  uint64_t hash;
  uint64_t document, document_tokens;
};

struct rows {
  struct row *items;
  size_t count, capacity;
};

struct part {
  struct shard_writer *writer; /* NULL between shards */
  int64_t in_shard, total;
  int shards;                  /* begun */
  uint64_t document, document_tokens; /* the last one put, and its tokens so far, dropped ones included */
  /* Resume: everything before this document is there, and so many tokens of it. */
  uint64_t done_document, done_tokens;
  struct rows rows;
};

struct shard_set {
  struct shard_set_options o;
  struct part parts[PARTS];
  int part_count;
  char *prefix;         /* P: of a path P.bin */
  struct buffer settings;
  int progress;         /* descriptor of P_progress.tsv, -1: not begun */
  bool resumed;
  uint64_t threshold;   /* hashes below it: validation */
};

/* ---- names ---------------------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* "P", "P_train" or "P_val". */
static void put_stem(const struct shard_set *s, int part, struct buffer *out) {
  buffer_append_string(out, s->prefix);
  if (s->part_count == 2) buffer_append_string(out, part ? "_val" : "_train");
}

static void put_shard_name(const struct shard_set *s, int part, int number, struct buffer *out) {
  put_stem(s, part, out);
  if (s->o.shard_tokens) buffer_printf(out, "_%06d", number);
  buffer_append_string(out, ".bin");
}

static char *table_name(const struct shard_set *s, const char *which) {
  struct buffer b = {0};
  buffer_printf(&b, "%s_%s.tsv", s->prefix, which);
  return buffer_string(&b);
}

static char *beside(const struct shard_set *s, const char *file) {
  struct buffer b = {0};
  buffer_append(&b, s->prefix, (size_t)(base_name(s->prefix) - s->prefix));
  buffer_append_string(&b, file);
  return buffer_string(&b);
}

/* P_DIGITS.bin, P_train_DIGITS.bin, P_val_DIGITS.bin: what this module makes.  Nothing else is ever removed. */
static bool is_ours(const struct shard_set *s, const char *file) {
  const char *base = base_name(s->prefix), *at = file + strlen(base);
  if (strncmp(file, base, strlen(base))) return false;
  if (strncmp(at, "_train", 6) == 0) at += 6;
  else if (strncmp(at, "_val", 4) == 0) at += 4;
  size_t digits = *at == '_' ? strspn(at + 1, "0123456789") : 0;
  return digits >= 6 && strcmp(at + 1 + digits, ".bin") == 0;
}

/* ---- tables --------------------------------------------------------------------------------------------------------- */

static void rows_release(struct rows *r) {
  for (size_t i = 0; i < r->count; i++) free(r->items[i].file);
  free(r->items);
  *r = (struct rows){0};
}

static struct row *rows_add(struct rows *r, const char *file) {
  GROW(r->items, r->capacity, r->count + 1);
  struct row *row = &r->items[r->count++];
  *row = (struct row){.file = STRDUP(file)};
  return row;
}

static int hexadecimal(const char *s, uint64_t *value) {
  if (strlen(s) != 16 || strspn(s, "0123456789abcdef") != 16) return -1;
  *value = strtoull(s, NULL, 16);
  return 0;
}

/* One line of a manifest (4 fields) or of a progress file (7); *line is cut into its fields. */
static int parse_row(char *line, int fields, struct rows *out) {
  char *field[FIELDS] = {line};
  int count = 1;
  for (char *at = line; *at; at++)
    if (*at == '\t') {
      if (count == fields) return -1;
      *at = 0;
      field[count++] = at + 1;
    }
  int64_t tokens, bytes, document = 0, of_document = 0, part = 0;
  uint64_t hash;
  if (count != fields || number_int(field[1], 0, INT64_MAX / 8, &tokens) || number_int(field[2], 0, INT64_MAX, &bytes) || hexadecimal(field[3], &hash)) return -1;
  if (fields == FIELDS && (number_int(field[4], 0, INT64_MAX, &document) || number_int(field[5], 0, INT64_MAX, &of_document) || number_int(field[6], 0, PARTS - 1, &part))) return -1;
  struct row *row = rows_add(out, field[0]);
  row->tokens = tokens, row->bytes = bytes, row->hash = hash;
  row->document = (uint64_t)document, row->document_tokens = (uint64_t)of_document, row->part = (int)part;
  return 0;
}

/* 1 and the text of P_WHICH.tsv, 0 when there is none. */
static int read_table(const struct shard_set *s, const char *which, struct buffer *text, struct err *e) {
  char *name = table_name(s, which);
  int status = 0;
  if (access(name, F_OK) == 0) status = input_read_all(name, text, e) ? -1 : 1;
  else if (errno != ENOENT) status = err_errno(e, "%s", name);
  buffer_string(text);
  free(name);
  return status;
}

/* The rows of a table, from after its line of column names; `settings` gets what stands before that line.  A last line
 * that is not whole is left out: the process died while it wrote it. */
static int parse_table(const struct shard_set *s, const char *which, struct buffer *text, struct slice *settings, struct rows *rows, struct err *e) {
  bool progress = settings != NULL;
  const char *columns = progress ? progress_table : "file\ttokens\tbytes\txxh3\n";
  char *at = text->len ? strstr(text->data, columns) : NULL;
  while (at && at != text->data && at[-1] != '\n') at = strstr(at + 1, columns);
  if (!at || (progress ? !slice_starts(buffer_slice(text), SLICE(magic)) : at != text->data)) return err_set(e, "%s_%s.tsv: not a table of shards", s->prefix, which);
  if (progress) *settings = (struct slice){text->data, (size_t)(at - text->data)};
  at += strlen(columns);
  for (char *end; (end = strchr(at, '\n')); at = end + 1) {
    *end = 0;
    if (parse_row(at, progress ? FIELDS : 4, rows)) return err_set(e, "%s_%s.tsv: not a row of shards: %.100s", s->prefix, which, at);
  }
  return 0;
}

/* ---- settings ------------------------------------------------------------------------------------------------------- */

static void put_settings(struct shard_set *s) {
  const struct shard_set_options *o = &s->o;
  buffer_append_string(&s->settings, magic);
  buffer_printf(&s->settings, "tokenizer\t%016" PRIx64 "\nvocabulary\t%" PRId32 "\nend_of_text\t%" PRId32 "\n", o->header.tokenizer_hash, o->header.vocabulary_size, o->header.end_of_text);
  buffer_printf(&s->settings, "token_bytes\t%d\nshard_tokens\t%" PRId64 "\n", o->header.token_bytes, o->shard_tokens);
  /* Without a split the seed changes nothing. */
  buffer_printf(&s->settings, "validation\t%.17g\nseed\t%" PRIu64 "\n", o->validation, o->validation > 0 ? o->seed : 0);
  if (o->inputs) buffer_append_string(&s->settings, o->inputs);
}

static struct slice take_line(struct slice *text) {
  const char *end = memchr(text->data, '\n', text->len);
  struct slice line = {text->data, end ? (size_t)(end - text->data) : text->len};
  size_t skip = line.len + (end != NULL);
  text->data += skip;
  text->len -= skip;
  return line;
}

/* Names the first line that differs. */
static int compare_settings(const struct shard_set *s, struct slice theirs, struct err *e) {
  struct slice ours = buffer_slice(&s->settings);
  if (slice_equal(ours, theirs)) return 0;
  for (;;) {
    struct slice a = ours.len ? take_line(&ours) : (struct slice){"nothing more", 12}, b = theirs.len ? take_line(&theirs) : (struct slice){"nothing more", 12};
    if (slice_equal(a, b) && (ours.len || theirs.len)) continue;
    struct buffer text = {0};
    buffer_printf(&text, "--resume: %s_progress.tsv is of a run with '%.*s', this one has '%.*s'", base_name(s->prefix), (int)b.len, b.data, (int)a.len, a.data);
    for (size_t i = 0; i < text.len; i++)
      if (text.data[i] == '\t') text.data[i] = ' ';
    err_usage(e, "%s", buffer_string(&text));
    buffer_release(&text);
    return -1;
  }
}

/* ---- finished shards ------------------------------------------------------------------------------------------------ */

static int damaged(const char *remedy, struct err *e) {
  struct err why = *e;
  return err_set(e, "%s: %s", why.message, remedy);
}

/* The shard holds what its row says: header, size, and the hash of all its tokens.  0, 1: not there, -1. */
static int verify_shard(const struct shard_set *s, const struct row *row, bool complete, struct err *e) {
  const char *remedy = complete ? "begin anew without --resume" : "remove it to have it written again, or begin anew without --resume";
  char *path = beside(s, row->file);
  struct shard_reader *r = NULL;
  int status = 0;
  if (access(path, F_OK)) status = errno == ENOENT ? 1 : err_errno(e, "%s", path);
  else if (shard_reader_open(&r, path, e)) status = damaged(remedy, e);
  if (r) {
    const struct shard_header *h = shard_reader_header(r), *want = &s->o.header;
    if (!h->ours || h->token_bytes != want->token_bytes || h->vocabulary_size != want->vocabulary_size || h->end_of_text != want->end_of_text || h->tokenizer_hash != want->tokenizer_hash)
      status = err_set(e, "%s: of another tokenizer or width: %s", path, remedy);
    else if ((h->count != row->tokens && !(row->tokens == 0 && h->count == -1)) || h->data_hash != row->hash) status = err_set(e, "%s: not the shard that was written: %s", path, remedy);
    if (status == 0) {
      uint32_t *ids = MALLOC(VERIFY_TOKENS * sizeof *ids);
      int64_t n;
      while ((n = shard_reader_read(r, ids, VERIFY_TOKENS, e)) > 0) continue;
      if (n < 0) status = damaged(remedy, e);
      free(ids);
    }
    shard_reader_close(r);
  }
  free(path);
  return status;
}

/* 1: P_manifest.tsv is there and its shards are those of these settings, as far as headers tell. */
static int complete_set(struct shard_set *s, struct err *e) {
  struct buffer text = {0};
  struct rows rows = {0};
  int status = read_table(s, "manifest", &text, e), next[PARTS] = {0};
  if (status == 1 && parse_table(s, "manifest", &text, NULL, &rows, e)) status = -1;
  int part = 0;
  for (size_t i = 0; status == 1 && i < rows.count; i++) {
    struct buffer name = {0};
    struct row *row = &rows.items[i];
    put_shard_name(s, part, next[part], &name);
    if (strcmp(base_name(buffer_string(&name)), row->file) && part + 1 < s->part_count) {
      part++;
      buffer_clear(&name);
      put_shard_name(s, part, next[part], &name);
    }
    bool last = i + 1 == rows.count || strstr(rows.items[i + 1].file, "_000000.bin") != NULL;
    if (strcmp(base_name(buffer_string(&name)), row->file) || row->tokens > s->o.shard_tokens || (!last && row->tokens != s->o.shard_tokens))
      status = err_usage(e, "--resume: %s_manifest.tsv is of a finished run with other shards: begin anew without --resume", base_name(s->prefix));
    else {
      int got = verify_shard(s, row, true, e);
      if (got > 0) got = err_set(e, "%s: missing, but %s_manifest.tsv lists it: begin anew without --resume", row->file, base_name(s->prefix));
      if (got) status = -1;
    }
    next[part]++;
    buffer_release(&name);
  }
  if (status == 1 && (next[0] == 0 || (s->part_count == 2 && next[1] == 0))) status = err_usage(e, "--resume: %s_manifest.tsv is of a finished run with other shards: begin anew without --resume", base_name(s->prefix));
  rows_release(&rows);
  buffer_release(&text);
  return status;
}

/* A run holds a lock on its progress while it lives: two would mix their shards.  Where there are no locks, none is seen. */
static int check_alone(const struct shard_set *s, struct err *e) {
  char *name = table_name(s, "progress");
  int fd = open(name, O_RDONLY | O_CLOEXEC), status = 0;
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) status = err_set(e, "%s: another run is writing these shards", name);
  if (fd >= 0) close(fd);
  free(name);
  return status;
}

static void put_progress_row(const struct row *r, struct buffer *out) {
  buffer_printf(out, "%s\t%" PRId64 "\t%" PRId64 "\t%016" PRIx64 "\t%" PRIu64 "\t%" PRIu64 "\t%d\n", r->file, r->tokens, r->bytes, r->hash, r->document, r->document_tokens, r->part);
}

/* Replaces P_progress.tsv by the rows there are, opens it for more and locks it. */
static int begin_progress(struct shard_set *s, struct err *e) {
  struct buffer text = {0};
  buffer_append_slice(&text, buffer_slice(&s->settings));
  buffer_append_string(&text, progress_table);
  for (int p = 0; p < s->part_count; p++)
    for (size_t i = 0; i < s->parts[p].rows.count; i++) put_progress_row(&s->parts[p].rows.items[i], &text);
  char *name = table_name(s, "progress");
  int status = output_file(name, text.data, text.len, e);
  if (status == 0) {
    s->progress = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (s->progress < 0) status = err_errno(e, "%s", name);
    else (void)!flock(s->progress, LOCK_EX | LOCK_NB);
  }
  buffer_release(&text);
  free(name);
  return status;
}

static int append_progress(struct shard_set *s, const struct row *row, struct err *e) {
  struct buffer text = {0};
  put_progress_row(row, &text);
  int status = 0;
  for (size_t at = 0; at < text.len && status == 0;) {
    ssize_t k = write(s->progress, text.data + at, text.len - at);
    if (k > 0) at += (size_t)k;
    else if (k < 0 && errno != EINTR) status = err_errno(e, "%s_progress.tsv: cannot write", s->prefix);
  }
  if (status == 0 && fdatasync(s->progress) && errno != EINVAL) status = err_errno(e, "%s_progress.tsv: cannot write", s->prefix);
  buffer_release(&text);
  return status;
}

/* Takes up the rows of P_progress.tsv whose shards are there: of each part those before the first that is missing. */
static int take_up(struct shard_set *s, struct err *e) {
  struct buffer text = {0};
  struct slice theirs;
  struct rows rows = {0};
  bool broken[PARTS] = {false};
  int status = check_alone(s, e) ? -1 : read_table(s, "progress", &text, e);
  if (status == 1 && (parse_table(s, "progress", &text, &theirs, &rows, e) || compare_settings(s, theirs, e))) status = -1;
  for (size_t i = 0; status == 1 && i < rows.count; i++) {
    struct row *row = &rows.items[i];
    if (row->part >= s->part_count) status = err_set(e, "%s_progress.tsv: a row of another part", s->prefix);
    if (status != 1 || broken[row->part]) continue;
    struct part *p = &s->parts[row->part];
    struct buffer name = {0};
    put_shard_name(s, row->part, p->shards, &name);
    if (strcmp(base_name(buffer_string(&name)), row->file) || row->tokens != s->o.shard_tokens || row->document < p->done_document) status = err_set(e, "%s_progress.tsv: %s does not follow the rows before it", s->prefix, row->file);
    buffer_release(&name);
    if (status != 1) break;
    int got = verify_shard(s, row, false, e);
    if (got < 0) status = -1;
    broken[row->part] = got > 0;
    if (got) continue;
    struct row *kept = rows_add(&p->rows, row->file);
    char *file = kept->file;
    *kept = *row;
    kept->file = file;
    p->shards++;
    p->total += row->tokens;
    p->done_document = row->document;
    p->done_tokens = row->document_tokens;
  }
  s->resumed = status == 1;
  if (status == 1) status = begin_progress(s, e);
  rows_release(&rows);
  buffer_release(&text);
  return status;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static int begin_shard(struct shard_set *s, int part, struct err *e) {
  struct part *p = &s->parts[part];
  struct buffer name = {0};
  if (s->prefix) {
    put_shard_name(s, part, p->shards, &name);
    buffer_string(&name);
  }
  int status = shard_writer_open(&p->writer, s->prefix ? name.data : s->o.path, &s->o.header, s->o.flags, e);
  if (status) p->writer = NULL;
  else p->shards++;
  p->in_shard = 0;
  buffer_release(&name);
  return status;
}

/* Removes an earlier run's manifest and the shards that it and its progress list, and puts our progress in place. */
static int claim(struct shard_set *s, struct err *e) {
  static const char *const which[] = {"manifest", "progress"};
  struct rows rows = {0};
  int status = check_alone(s, e);
  for (int i = 0; i < 2 && status == 0; i++) {
    struct buffer text = {0};
    struct slice settings;
    struct err ignored;
    int there = read_table(s, which[i], &text, e);
    if (there < 0) status = -1;
    /* A table that is not ours lists nothing of ours. */
    if (there > 0 && parse_table(s, which[i], &text, i ? &settings : NULL, &rows, &ignored)) rows_release(&rows);
    buffer_release(&text);
  }
  if (status == 0) {
    char *manifest = table_name(s, "manifest");
    if (unlink(manifest) && errno != ENOENT) status = err_errno(e, "%s: cannot remove", manifest);
    free(manifest);
  }
  for (size_t i = 0; status == 0 && i < rows.count; i++) {
    if (!is_ours(s, rows.items[i].file)) continue;
    char *path = beside(s, rows.items[i].file);
    if (unlink(path) && errno != ENOENT) status = err_errno(e, "%s: cannot remove", path);
    free(path);
  }
  rows_release(&rows);
  return status ? status : begin_progress(s, e);
}

static int end_shard(struct shard_set *s, int part, struct err *e) {
  struct part *p = &s->parts[part];
  struct shard_header written;
  struct shard_writer *w = p->writer;
  if (s->o.shard_tokens && s->progress < 0 && claim(s, e)) return -1;
  p->writer = NULL;
  if (shard_writer_commit(w, &written, e)) return -1;
  if (!s->o.shard_tokens) return 0;
  struct buffer name = {0};
  put_shard_name(s, part, p->shards - 1, &name);
  struct row *row = rows_add(&p->rows, base_name(buffer_string(&name)));
  buffer_release(&name);
  row->part = part;
  row->tokens = p->in_shard;
  row->bytes = HEADER_BYTES + p->in_shard * s->o.header.token_bytes;
  row->hash = written.data_hash;
  row->document = p->document;
  row->document_tokens = p->document_tokens;
  /* The last one, not full, grows should the input do so: it is never taken up. */
  return p->in_shard == s->o.shard_tokens ? append_progress(s, row, e) : 0;
}

int shard_set_open(struct shard_set **out, const struct shard_set_options *o, struct err *e) {
  size_t n = o->path ? strlen(o->path) : 0;
  bool set = o->shard_tokens > 0 || o->validation > 0;
  if (set && (n < 5 || strcmp(o->path + n - 4, ".bin") || o->path[n - 5] == '/'))
    return o->shard_tokens > 0 ? err_usage(e, "several shards need -o NAME.bin: they become NAME_000000.bin, NAME_000001.bin, ...") : err_usage(e, "--validation needs -o NAME.bin: it gives NAME_train.bin and NAME_val.bin");
  if (o->validation < 0 || o->validation >= 1) return err_usage(e, "--validation is a fraction of the documents, at least 0 and below 1");
  if (o->resume && o->shard_tokens <= 0) return err_usage(e, "--resume needs --shard-tokens: only whole shards are taken up");
  struct shard_set *s = NEW(struct shard_set);
  s->o = *o;
  s->o.shard_tokens = o->shard_tokens > 0 ? o->shard_tokens : 0;
  s->o.inputs = NULL;
  s->part_count = o->validation > 0 ? 2 : 1;
  s->progress = -1;
  s->threshold = (uint64_t)(o->validation * 0x1p64);
  if (set) {
    s->prefix = STRDUP(o->path);
    s->prefix[n - 4] = 0;
    s->o.path = NULL;
  }
  struct shard_set_options settings = s->o;
  s->o.inputs = o->inputs;
  put_settings(s);
  s->o = settings;
  int status = 0;
  if (o->resume) status = complete_set(s, e);
  if (status == 1) { /* killed between manifest and removal, if it is there */
    char *progress = table_name(s, "progress");
    unlink(progress);
    free(progress);
  } else if (status == 0 && o->resume) {
    int got = take_up(s, e);
    status = got < 0 ? -1 : 0;
  }
  /* At once, so that a name that cannot be is an error before work begins. */
  for (int p = 0; p < s->part_count && status == 0; p++)
    if (s->parts[p].shards == 0) status = begin_shard(s, p, e);
  if (status) {
    shard_set_abort(s);
    *out = NULL;
    return status;
  }
  *out = s;
  return 0;
}

int shard_set_part(const struct shard_set *s, struct slice text) { return s->part_count == 2 && XXH3_64bits_withSeed(text.data, text.len, s->o.seed) < s->threshold; }
bool shard_set_wants(const struct shard_set *s, int part, uint64_t document) { return document >= s->parts[part].done_document; }
bool shard_set_numbers(const struct shard_set *s) { return s->o.shard_tokens || s->part_count == 2; }

int64_t shard_set_count(const struct shard_set *s, int part) { return part < s->part_count ? s->parts[part].total : 0; }

/* `n` tokens that fit into the shard that is open. */
static int put_tokens(struct shard_set *s, int part, const uint32_t *ids, size_t n, struct err *e) {
  struct part *p = &s->parts[part];
  if (n == 0) return 0;
  if (!p->writer && begin_shard(s, part, e)) return -1;
  if (shard_writer_put(p->writer, ids, n, e)) return -1;
  p->in_shard += (int64_t)n;
  p->total += (int64_t)n;
  return 0;
}

/* How many of the next `n` tokens of a document are in the shards already (--resume). */
static size_t written_before(const struct part *p, uint64_t document, size_t n) {
  if (document < p->done_document) return n;
  if (document > p->done_document || p->document_tokens >= p->done_tokens) return 0;
  uint64_t rest = p->done_tokens - p->document_tokens;
  return rest < n ? (size_t)rest : n;
}

int shard_set_put(struct shard_set *s, const uint32_t *ids, const struct shard_run *runs, size_t count, struct err *e) {
  /* Tokens of one part that follow each other go to the writer in one piece. */
  const uint32_t *from = ids;
  int part = 0;
  for (size_t i = 0; i < count; i++) {
    const struct shard_run *r = &runs[i];
    struct part *p = &s->parts[r->part];
    size_t left = r->tokens;
    if (r->part != part) {
      if (put_tokens(s, part, from, (size_t)(ids - from), e)) return -1;
      from = ids;
      part = r->part;
    }
    if (r->document != p->document) {
      if (p->document == p->done_document && p->document_tokens < p->done_tokens && r->document > p->document)
        return err_set(e, "--resume: document %" PRIu64 " has %" PRIu64 " tokens, but %" PRIu64 " of it are in the shards: the input has changed", p->document, p->document_tokens, p->done_tokens);
      p->document = r->document;
      p->document_tokens = 0;
    }
    size_t drop = written_before(p, r->document, left);
    if (drop) {
      if (put_tokens(s, part, from, (size_t)(ids - from), e)) return -1;
      ids += drop;
      from = ids;
      left -= drop;
      p->document_tokens += drop;
    }
    while (s->o.shard_tokens && left) {
      int64_t room = s->o.shard_tokens - (p->writer ? p->in_shard : 0) - (ids - from);
      if ((int64_t)left < room) break;
      ids += room;
      left -= (size_t)room;
      p->document_tokens += (uint64_t)room;
      if (put_tokens(s, part, from, (size_t)(ids - from), e) || end_shard(s, part, e)) return -1;
      from = ids;
    }
    ids += left;
    p->document_tokens += left;
  }
  return put_tokens(s, part, from, (size_t)(ids - from), e);
}

static void set_free(struct shard_set *s) {
  for (int p = 0; p < PARTS; p++) {
    shard_writer_abort(s->parts[p].writer);
    rows_release(&s->parts[p].rows);
  }
  if (s->progress >= 0) close(s->progress);
  buffer_release(&s->settings);
  free(s->prefix);
  free(s);
}

/* The manifest, in the order of parts and numbers; then what an older, longer run left goes, and the progress. */
static int finish_set(struct shard_set *s, struct err *e) {
  struct buffer text = {0}, name = {0};
  buffer_printf(&text, "%s\n", table);
  for (int part = 0; part < s->part_count; part++) {
    const struct part *p = &s->parts[part];
    for (size_t i = 0; i < p->rows.count; i++) buffer_printf(&text, "%s\t%" PRId64 "\t%" PRId64 "\t%016" PRIx64 "\n", p->rows.items[i].file, p->rows.items[i].tokens, p->rows.items[i].bytes, p->rows.items[i].hash);
    for (int removed = 0, i = p->shards; removed == 0; i++) { /* a pattern P_*.bin would catch them */
      buffer_clear(&name);
      put_shard_name(s, part, i, &name);
      removed = unlink(buffer_string(&name));
    }
  }
  char *manifest = table_name(s, "manifest"), *progress = table_name(s, "progress");
  int status = output_file(manifest, text.data, text.len, e);
  if (status == 0 && unlink(progress) && errno != ENOENT) status = err_errno(e, "%s: cannot remove", progress);
  free(manifest);
  free(progress);
  buffer_release(&text);
  buffer_release(&name);
  return status;
}

int shard_set_commit(struct shard_set *s, struct err *e) {
  int status = 0;
  for (int part = 0; part < s->part_count && status == 0; part++) {
    const struct part *p = &s->parts[part];
    if (s->resumed && (p->document < p->done_document || (p->document == p->done_document && p->document_tokens < p->done_tokens)))
      status = err_set(e, "--resume: the input ended before document %" PRIu64 ", which is in the shards: it has changed", p->done_document);
    if (status == 0 && p->writer) status = end_shard(s, part, e);
  }
  if (status == 0 && s->o.shard_tokens) status = finish_set(s, e);
  set_free(s);
  return status;
}

void shard_set_abort(struct shard_set *s) {
  if (s) set_free(s);
}
