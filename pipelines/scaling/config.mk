# SPDX-License-Identifier: MIT
# What a sweep trains.  Every value can be changed here, in a file of yours (CONFIG=mine.mk, which may include this one) or on
# make's command line or in the environment.

# ---- data: shards of bpe-encode, as lm-train's -d and -V take them (WEIGHT:GLOB; several apart by spaces) ----------------
TRAIN ?=
VALIDATION ?=
TOKENIZER ?=

# ---- what all cells share: a model and any options of lm-train ----------------------------------------------------------
MODEL ?= --preset llama-1m
ARGS ?= --tokens 2M --batch 16 --seq 256 --schedule wsd --warmup 20

# ---- the grid: AXIS=VALUE,VALUE,...  apart by spaces ------------------------------------------------------------------
# An axis is an option of lm-train without its dashes (lr, seed, batch, optimizer, preset, flops ...), or set:KEY for a key of
# the config.  Values that hold commas are set apart by semicolons instead (set:layer_types=sliding,full;full).  The values of
# the axis `model` are names of yours: model.NAME holds the options that belong together, as in
#   model.small := --set hidden_size=64 --set num_attention_heads=4
# Grids of the same axes are joined by +: flops=1e12 model=small + flops=4e12 model=small,wide
GRID ?= lr=1e-3,2e-3,4e-3 seed=0
# Instead of a grid, a file of cells: NAME <TAB> options <TAB> AXIS=VALUE <TAB> ...
CELLS ?=

# ---- the plot: the axis along x (default: the first with several values); one line for each combination of the others,
# seeds are averaged
PLOT ?=

# Threads of a cell.  Small matrices do not feed many: as many cells as CPUs (make -j) with one each is the fastest.
JOBS ?= 1
