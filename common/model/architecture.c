/* SPDX-License-Identifier: MIT
 *
 * Llama (arXiv 2302.13971), pre-norm: x += o(attention(rope(qkv(norm(x))))), x += down(silu(gate) * up of norm(x)).
 */
#include "common/model/architecture.h"

static int norm(struct plan *p, const char *name, int layer, int x, int64_t parameter) {
  int y = plan_value_add(p, p->config.hidden_size), rstd = plan_statistics_add(p, 1);
  struct plan_node *n = plan_node_add(p, PLAN_RMSNORM, name, layer);
  n->input = x, n->output = y, n->parameter = parameter, n->saved = rstd;
  return y;
}

static int matmul(struct plan *p, const char *name, int layer, int x, int64_t columns, int64_t parameter) {
  int y = plan_value_add(p, columns);
  struct plan_node *n = plan_node_add(p, PLAN_MATMUL, name, layer);
  n->input = x, n->output = y, n->parameter = parameter;
  return y;
}

/* x + branch, written where the branch was */
static int residual(struct plan *p, int layer, int x, int branch) {
  int y = plan_value_in_place(p, branch);
  struct plan_node *n = plan_node_add(p, PLAN_ADD, "residual", layer);
  n->input = x, n->second = branch, n->output = y;
  return y;
}

static int attention(struct plan *p, int layer, int qkv) {
  const struct model_config *c = &p->config;
  int rotated = plan_value_in_place(p, qkv);
  struct plan_node *n = plan_node_add(p, PLAN_ROPE, "rope", layer);
  n->input = qkv, n->output = rotated;
  int y = plan_value_add(p, c->heads * c->head_dim), log_sum_exp = plan_statistics_add(p, c->heads);
  n = plan_node_add(p, PLAN_ATTENTION, "attention", layer);
  n->input = rotated, n->output = y, n->saved = log_sum_exp;
  return y;
}

void architecture_build(struct plan *p, const struct parameter_layout *layout) {
  const struct model_config *c = &p->config;
  int x = plan_value_add(p, c->hidden_size);
  struct plan_node *n = plan_node_add(p, PLAN_EMBEDDING, "embedding", -1);
  n->output = x, n->parameter = layout->embedding;
  for (int i = 0; i < (int)c->layers; i++) {
    const struct parameter_layer *l = &layout->layers[i];
    int h = norm(p, "input_norm", i, x, l->input_norm);
    int qkv = matmul(p, "qkv", i, h, (c->heads + 2 * c->kv_heads) * c->head_dim, l->qkv);
    int a = attention(p, i, qkv);
    x = residual(p, i, x, matmul(p, "o", i, a, c->hidden_size, l->o));
    h = norm(p, "post_norm", i, x, l->post_norm);
    int gate_up = matmul(p, "gate_up", i, h, 2 * c->intermediate_size, l->gate_up);
    int activated = plan_value_add(p, c->intermediate_size);
    n = plan_node_add(p, PLAN_SWIGLU, "swiglu", i);
    n->input = gate_up, n->output = activated;
    x = residual(p, i, x, matmul(p, "down", i, activated, c->hidden_size, l->down));
  }
  int h = norm(p, "final_norm", -1, x, layout->final_norm);
  n = plan_node_add(p, PLAN_CLASSIFIER, "classifier", -1);
  n->input = h, n->parameter = layout->head;
}
