/* SPDX-License-Identifier: MIT */
#include "kernels/offload.h"

static int64_t aligned(int64_t n) { return (n + 15) & ~(int64_t)15; }

int offload_init(struct offload *o, const struct backend *b, int64_t capacity, int first_slot, struct kernel_error *e) {
  if (capacity < 1) return kernel_fail(e, "offload: pieces of %lld elements", (long long)capacity);
  *o = (struct offload){.backend = b, .capacity = aligned(capacity), .first_slot = first_slot};
  o->places = b->alloc((size_t)(OFFLOAD_PLACES * o->capacity) * sizeof *o->places, e);
  return o->places ? 0 : -1;
}

void offload_release(struct offload *o) {
  if (o->places) o->backend->release(o->places);
  *o = (struct offload){0};
}

static real *start_of(const struct offload *o, int64_t piece) { return o->places + piece % OFFLOAD_PLACES * o->capacity; }
static int slot_in(const struct offload *o, int64_t piece) { return o->first_slot + (int)(piece % OFFLOAD_PLACES); }
static int slot_out(const struct offload *o, int64_t piece) { return slot_in(o, piece) + OFFLOAD_PLACES; }

int offload_bring(struct offload *o, const struct offload_part *parts, int count, struct kernel_error *e) {
  int64_t piece = o->brought, total = 0;
  struct offload_place *place = &o->place[piece % OFFLOAD_PLACES];
  if (piece - o->returned >= OFFLOAD_PLACES) return kernel_fail(e, "offload: %d pieces are on the device already", OFFLOAD_PLACES);
  if (count < 0 || count > OFFLOAD_PARTS) return kernel_fail(e, "offload: a piece of %d parts, at most %d", count, OFFLOAD_PARTS);
  for (int i = 0; i < count; i++) total += aligned(parts[i].n);
  if (total > o->capacity) return kernel_fail(e, "offload: a piece of %lld elements, there is room for %lld", (long long)total, (long long)o->capacity);
  /* The copy waits for what is queued before it, and so for the piece that leaves this place. */
  if (place->leaving && o->backend->wait_copy(slot_out(o, piece), e) < 0) return -1;
  place->leaving = false, place->coming = true, place->count = count;
  total = 0;
  for (int i = 0; i < count; i++) {
    place->parts[i] = parts[i], place->at[i] = total;
    if (o->backend->copy_in(start_of(o, piece) + total, parts[i].host, (size_t)parts[i].n * sizeof(real), slot_in(o, piece), e) < 0) return -1;
    total += aligned(parts[i].n);
  }
  o->brought++;
  return 0;
}

real *offload_here(struct offload *o, int part, struct kernel_error *e) {
  int64_t piece = o->returned;
  struct offload_place *place = &o->place[piece % OFFLOAD_PLACES];
  if (piece == o->brought || part < 0 || part >= place->count) {
    kernel_fail(e, "offload: part %d of a piece that was not brought", part);
    return NULL;
  }
  if (place->coming && o->backend->wait_copy(slot_in(o, piece), e) < 0) return NULL;
  place->coming = false;
  return start_of(o, piece) + place->at[part];
}

int offload_return(struct offload *o, struct kernel_error *e) {
  int64_t piece = o->returned;
  struct offload_place *place = &o->place[piece % OFFLOAD_PLACES];
  if (piece == o->brought) return kernel_fail(e, "offload: no piece to return");
  if (place->coming && o->backend->wait_copy(slot_in(o, piece), e) < 0) return -1; /* nobody looked at it */
  place->coming = false, place->leaving = true;
  for (int i = 0; i < place->count; i++)
    if (o->backend->copy_out(place->parts[i].host, start_of(o, piece) + place->at[i], (size_t)place->parts[i].n * sizeof(real), slot_out(o, piece), e) < 0) return -1;
  o->returned++;
  return 0;
}

int offload_finish(struct offload *o, struct kernel_error *e) {
  for (int i = 0; i < OFFLOAD_PLACES; i++) {
    if (o->place[i].leaving && o->backend->wait_copy(slot_out(o, i), e) < 0) return -1;
    o->place[i].leaving = false;
  }
  return 0;
}
