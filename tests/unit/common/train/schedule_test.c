/* SPDX-License-Identifier: MIT */
#include "common/train/schedule.h"

#include "tests/tap.h"

int main(void) {
  struct schedule s = {.shape = SCHEDULE_COSINE, .lr = 1, .min_lr = 0.1, .decay = 0.2, .warmup = 10, .steps = 110};
  ok_near(schedule_lr(&s, 0), 0.1, 1e-12, "warm-up begins at lr / warmup");
  ok_near(schedule_lr(&s, 9), 1, 1e-12, "and reaches lr in its last step");
  ok_near(schedule_lr(&s, 10), 1, 1e-12, "cosine begins at lr");
  ok_near(schedule_lr(&s, 60), 0.55, 1e-12, "is halfway in the middle");
  ok_near(schedule_lr(&s, 110), 0.1, 1e-12, "and would reach min after the last step");
  s.shape = SCHEDULE_LINEAR;
  ok_near(schedule_lr(&s, 35), 0.775, 1e-12, "linear has done a quarter of the way after a quarter of the steps");
  s.shape = SCHEDULE_CONSTANT;
  ok_near(schedule_lr(&s, 109), 1, 1e-12, "constant stays");
  s.shape = SCHEDULE_WSD, s.warmup = 0, s.steps = 100;
  ok_near(schedule_lr(&s, 79), 1, 1e-12, "wsd stays until its decay");
  ok_near(schedule_lr(&s, 89), 0.55, 1e-12, "is halfway in the middle of it");
  ok_near(schedule_lr(&s, 99), 0.1, 1e-12, "and ends at min");
  s.shape = SCHEDULE_COSINE, s.warmup = 200;
  ok_near(schedule_lr(&s, 99), 0.5, 1e-12, "a warm-up longer than the run is cut");
  s.warmup = 0, s.steps = 1;
  ok_near(schedule_lr(&s, 0), 1, 1e-12, "a single step runs at lr");
  return tap_done();
}
