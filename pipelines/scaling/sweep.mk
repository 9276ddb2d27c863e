# SPDX-License-Identifier: MIT
# A grid of training runs as targets.
#
#     make -j4 -f sweep.mk TRAIN='data/train_*.bin' OUT=sweep GRID='lr=1e-3,2e-3 set:hidden_size=128,256 seed=0,1'
#
# Every cell is a folder OUT/NAME with run.tsv; OUT/ranking.tsv sorts them by loss, OUT/settings.tsv averages seeds, OUT/plot.svg
# draws loss against PLOT.  Killed at any moment, the same command goes on where it stood.  README.md says more.
#
# CELLS=FILE takes the cells from a file instead, in the form that cells.awk writes.
#
#     make -f sweep.mk list                 the cells, numbered from 0
#     make -f sweep.mk cell I=3             run the cell of that number       (Slurm: I=$SLURM_ARRAY_TASK_ID)
#     make -f sweep.mk command I=3          print its command
#     make -f sweep.mk report               ranking, settings and plot of what is done so far

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -euc
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
export LC_ALL := C
# An environment may preset these, at half the speed.
unexport OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
# Threads that wait leave the core to others: cells run side by side.
export OMP_WAIT_POLICY ?= passive

HERE := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BIN ?= $(HERE)/../../build/bin
OUT ?= sweep
CONFIG ?= $(HERE)/config.mk
include $(CONFIG)
override BIN := $(abspath $(BIN))
override OUT := $(abspath $(OUT))

quote = '$(subst ','\'',$(1))'
# The values of the axis `model`: NAME <TAB> options <TAB> NAME ...
tab := $(shell printf '\t')
MODELS = $(foreach m,$(filter model.%,$(.VARIABLES)),$(m:model.%=%)$(tab)$($(m))$(tab))
# The grid's cells, or a list that was made elsewhere.
GENERATE = $(if $(CELLS),cat $(call quote,$(CELLS)),MODELS=$(call quote,$(MODELS)) awk -f $(HERE)/cells.awk -v grid=$(call quote,$(GRID)))
NAMES := $(shell $(GENERATE) | cut -f 1)
ifeq ($(NAMES),)
  $(error $(if $(CELLS),CELLS=$(CELLS),GRID=$(GRID)): no cells)
endif
COUNT := $(words $(NAMES))
# The first axis with several values.
FIND_AXIS = awk -F '\t' '{ for (i = 3; i <= NF; i++) { split($$i, a, "="); name[i] = a[1]; if (!seen[i, $$i]++ && ++values[i] > 1 && (!found || i < found)) found = i } } END { print name[found ? found : 3] }'
axis := $(or $(strip $(PLOT)),$(shell $(GENERATE) | $(FIND_AXIS)))

# What every cell gets, as words quoted for a shell: patterns stay patterns, lm-train expands them.
export BIN OUT JOBS
export SHARED := $(MODEL) $(ARGS)
export DATA := $(foreach t,$(TRAIN),-d $(call quote,$(t))) $(foreach v,$(VALIDATION),-V $(call quote,$(v))) $(if $(TOKENIZER),-t $(call quote,$(TOKENIZER)))

.PHONY: all report list count command commands cell help clean $(NAMES:%=cell-%)
all: report

# A cell that is done says so at once.
$(NAMES:%=cell-%): cell-%:
	@$(if $(strip $(TRAIN)),,echo 'sweep: TRAIN names no shards' >&2; exit 2)
	@options=$$($(GENERATE) | awk -F '\t' -v name=$(call quote,$*) '$$1 == name { print $$2 }'); exec $(HERE)/cell.sh run '$*' "$$options"

numbered = $(if $(filter $(I),$(shell seq 0 $$(($(COUNT) - 1)))),$(word $(shell echo $$(($(I) + 1))),$(NAMES)),$(error I=$(I): say which cell, 0 to $(shell echo $$(($(COUNT) - 1)))))
cell:
	@$(MAKE) -f $(firstword $(MAKEFILE_LIST)) cell-$(numbered)

# lm-train's command of one cell, or of all, one a line.
command:
	@$(HERE)/cell.sh print '$(numbered)' "$$($(GENERATE) | awk -F '\t' -v name='$(numbered)' '$$1 == name { print $$2 }')"
commands:
	@$(GENERATE) | while IFS=$$'\t' read -r name options rest; do $(HERE)/cell.sh print "$$name" "$$options"; done

list:
	@$(GENERATE) | awk -F '\t' '{ print NR - 1 "\t" $$1 "\t" $$2 }'
count:
	@echo $(COUNT)

# What is done so far; after `all`, everything.
$(if $(filter report,$(MAKECMDGOALS)),,$(eval report: $(NAMES:%=cell-%)))
report:
	@$(GENERATE) > $(OUT)/.cells
	@awk -f $(HERE)/ranking.awk -v out=$(call quote,$(OUT)) $(OUT)/.cells > $(OUT)/ranking.tsv.part
	@mv $(OUT)/ranking.tsv.part $(OUT)/ranking.tsv
	@awk -f $(HERE)/ranking.awk -v out=$(call quote,$(OUT)) -v mean=1 $(OUT)/.cells > $(OUT)/settings.tsv.part
	@mv $(OUT)/settings.tsv.part $(OUT)/settings.tsv
	@rm $(OUT)/.cells
	@if [ '$(axis)' = seed ]; then rm -f $(OUT)/plot.svg; \
	  elif command -v gnuplot > /dev/null; then awk -f $(HERE)/plot.awk -v x='$(axis)' $(OUT)/settings.tsv | gnuplot > $(OUT)/plot.svg.part && mv $(OUT)/plot.svg.part $(OUT)/plot.svg; \
	  else echo 'sweep: no plot: gnuplot is not installed' >&2; fi
	@echo 'sweep: $(OUT)/ranking.tsv' >&2

help:
	@sed -n '/^#     make/s/^#     //p' $(firstword $(MAKEFILE_LIST))

# The cells of this grid and the tables, not other folders in OUT.
clean:
	@rm -rf $(foreach n,$(NAMES),$(call quote,$(OUT)/$(n))) $(OUT)/ranking.tsv $(OUT)/settings.tsv $(OUT)/plot.svg
