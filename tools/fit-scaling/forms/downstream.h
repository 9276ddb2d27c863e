/* SPDX-License-Identifier: MIT
 *
 * Accuracy of a downstream task.  One step, from loss: sigmoid, log-sigmoid, task-error (accuracy_curve.h).  Two steps, from
 * params and tokens: ladder and ladder-log fit chinchilla's law of loss, ladder-error that of over-training, and the curve from loss
 * to accuracy separately and chain them (Bhagia et al. 2024, "Establishing Task Scaling Laws via Compute-Efficient Model Ladders";
 * Gadre et al. 2024, "Language models scale reliably with over-training and on downstream tasks").
 *
 * `loss` is the task's own: bits per byte or nats of its right answers, or the loss that tracks it.  Rows without params or
 * tokens, such as checkpoints on the way, take part in the second step only.  ladder adds the point of loss 0 and accuracy 1
 * to the second step, as its authors do, unless b is fixed: the sigmoid's top lies far beyond small models.
 *
 * The objective is the law's, of log losses, plus the sum of squares of the accuracies'.
 */
#ifndef FIT_SCALING_DOWNSTREAM_H
#define FIT_SCALING_DOWNSTREAM_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_sigmoid, form_log_sigmoid, form_task_error, form_ladder, form_ladder_log, form_ladder_error;

#endif
