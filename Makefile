# crawl2lm: the only build file.  `make help` lists the targets.
#
# Everything built lies under $(BUILD).  A folder under tools/ is a program; files are found, not listed:
# tools/NAME/*.c and the rooms below -> $(BUILD)/bin/NAME, linked with common/ and kernels/ as static libraries.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
export LC_ALL := C

CC ?= cc
ifeq ($(origin CC),default)
CC := gcc
endif
CXX := g++
PREFIX ?= /usr/local
CUDA ?= $(if $(wildcard $(CUDA_HOME)/bin/nvcc),1,0)
CUDA_HOME ?= /usr/local/cuda
SAN ?=
WERROR ?= $(if $(CI),1,)

comma := ,
BUILD := build$(if $(filter emulated,$(CUDA)),/emulated)$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

# ---- libraries ------------------------------------------------------------------------------------------------------
PKGS := zlib libzstd libbrotlidec libcurl libcrypto libxml-2.0 libpcre2-8 libxxhash jansson libutf8proc
ifneq ($(MAKECMDGOALS),deps)
ifneq ($(MAKECMDGOALS),help)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
LIBDEFLATE := $(wildcard /usr/include/libdeflate.h /usr/local/include/libdeflate.h)
ONEDNN := $(if $(wildcard /usr/include/oneapi/dnnl/dnnl.h),1)
OPENBLAS_INCLUDE := $(firstword $(wildcard /usr/include/*/openblas-openmp/cblas.h))
OPENBLAS_CFLAGS := $(if $(OPENBLAS_INCLUDE),-I$(dir $(OPENBLAS_INCLUDE)))
OPENBLAS_LIBRARY := $(firstword $(wildcard /usr/lib/*/openblas-openmp/libopenblas.so))
OPENBLAS_LIBS := $(if $(OPENBLAS_LIBRARY),$(OPENBLAS_LIBRARY) -Wl$(comma)-rpath$(comma)$(dir $(OPENBLAS_LIBRARY)),-lopenblas)
endif
endif

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wno-missing-field-initializers $(if $(WERROR),-Werror)
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer $(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined))

# `make V=1` shows whole commands
V ?=
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))
BASE_CFLAGS := -std=c11 -D_GNU_SOURCE -I. -MMD -MP -pthread -fopenmp -ffp-contract=off $(WARNINGS) $(SAN_FLAGS) \
	$(PKG_CFLAGS) $(OPENBLAS_CFLAGS) $(if $(LIBDEFLATE),-DHAVE_LIBDEFLATE) $(if $(ONEDNN),-DHAVE_ONEDNN) -DHAVE_CUDA=$(if $(filter 0,$(CUDA)),0,1)
CUDA_LIBS := $(if $(filter 1,$(CUDA)),-L$(CUDA_HOME)/lib64 -lcudart_static -lrt -lstdc++) $(if $(filter emulated,$(CUDA)),-lstdc++)
LIBS := -Wl,--as-needed $(CUDA_LIBS) $(PKG_LIBS) $(OPENBLAS_LIBS) $(if $(LIBDEFLATE),-ldeflate) $(if $(ONEDNN),-ldnnl) -llbfgs -llapack -ldl -lm

# ---- sources --------------------------------------------------------------------------------------------------------
KERNEL_SRC := $(wildcard kernels/*.c)
CUDA_SRC := $(wildcard kernels/*.cu)
CUDA_HEADERS := $(wildcard kernels/*.cuh kernels/*.h)
COMMON_SRC := $(wildcard common/*/*.c)
TOOLS := $(foreach d,$(wildcard tools/*),$(if $(wildcard $(d)/$(notdir $(d)).c),$(notdir $(d))))
UNIT_SRC := $(wildcard tests/unit/*/*_test.c tests/unit/*/*/*_test.c tests/unit/*/*/*/*_test.c)
KERNEL_TEST_SRC := $(wildcard tests/kernels/*_test.c)
DEVICE_TEST_SRC := $(wildcard tests/device/*_test.c tests/device/*_test.cpp)
DEVICE_BENCH_SRC := tests/device/bench.c tests/device/throughput.c
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)

object = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
tool_objects = $(if $(1),$(call object,$(wildcard tools/$(1)/*.c tools/$(1)/*/*.c)))
tool_library_objects = $(filter-out $(BUILD)/obj/tools/$(1)/$(1).o,$(call tool_objects,$(1)))
PROGRAMS := $(TOOLS:%=$(BUILD)/bin/%)
EMULATED_LIBRARY := $(BUILD)/lib/libcuda_emulated.a
# backend_cuda() comes from the first of these that has it; the one in libkernels.a says that there is none
LIBRARIES := $(BUILD)/lib/libcommon.a $(if $(filter 1,$(CUDA)),$(BUILD)/lib/libcuda.a) $(if $(filter emulated,$(CUDA)),$(EMULATED_LIBRARY)) $(BUILD)/lib/libkernels.a
UNIT_TESTS := $(UNIT_SRC:%.c=$(BUILD)/%)
KERNEL_TESTS := $(KERNEL_TEST_SRC:%.c=$(BUILD)/%)
FUZZERS := $(FUZZ_SRC:%.c=$(BUILD)/%)

.PHONY: all check bench demo deps gpu-check install uninstall dist help clean golden sanitized tests cuda mutants gpu-tests gpu-bundle
all: $(PROGRAMS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) $(CPPFLAGS) -c $< -o $@

$(BUILD)/lib/libcommon.a: $(call object,$(COMMON_SRC))
	@mkdir -p $(@D); rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcsD $@ $^
$(BUILD)/lib/libkernels.a: $(call object,$(KERNEL_SRC))
	@mkdir -p $(@D); rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcsD $@ $^

define program_rule
$(BUILD)/bin/$(1): $(call tool_objects,$(1)) $(LIBRARIES)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(SAN_FLAGS) $$(LDFLAGS) -pthread -fopenmp -o $$@ $$^ $$(LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call program_rule,$(t))))

# Unit tests mirror source paths: tests/unit/tools/NAME/X_test.c also links the objects of tools/NAME but its main.
define unit_rule
$(BUILD)/$(1:.c=): $(call object,$(1)) $(call object,tests/tap.c) $(call tool_library_objects,$(2)) $(LIBRARIES)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(SAN_FLAGS) $$(LDFLAGS) -pthread -fopenmp -o $$@ $$^ $$(LIBS)
endef
$(foreach s,$(UNIT_SRC),$(eval $(call unit_rule,$(s),$(if $(filter tests/unit/tools/%,$(s)),$(word 4,$(subst /, ,$(s)))))))
$(foreach s,$(KERNEL_TEST_SRC),$(eval $(call unit_rule,$(s),)))

# ---- gradient checks: kernels and the model tower once more with real = double ----------------------------------------
FP64_TEST_SRC := $(wildcard tests/unit/fp64/*_test64.c)
FP64_TESTS := $(FP64_TEST_SRC:%.c=$(BUILD)/%)
fp64_object = $(patsubst %.c,$(BUILD)/obj64/%.o,$(1))
$(BUILD)/obj64/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) -DKERNELS_DOUBLE -c $< -o $@
define fp64_rule
$(BUILD)/$(1:.c=): $(call fp64_object,$(1) tests/tap.c $(COMMON_SRC) $(KERNEL_SRC))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(SAN_FLAGS) -pthread -fopenmp -o $$@ $$^ $$(LIBS)
endef
$(foreach s,$(FP64_TEST_SRC),$(eval $(call fp64_rule,$(s))))

# ---- fuzzers: libFuzzer when CC=clang FUZZ=1, otherwise a driver that replays and mutates a corpus ---------------------
# tests/fuzz/TOOL+STEM_fuzz.c links tools/TOOL; tests/fuzz/STEM_fuzz.c only common/ and kernels/.
FUZZ ?=
define fuzz_rule
$(BUILD)/$(1:.c=): $(call object,$(1)) $(if $(FUZZ),,$(call object,tests/fuzz/driver.c)) $(call tool_library_objects,$(2)) $(LIBRARIES)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(SAN_FLAGS) $(if $(FUZZ),-fsanitize=fuzzer) -pthread -fopenmp -o $$@ $$^ $$(LIBS)
endef
fuzz_tool = $(if $(findstring +,$(1)),$(firstword $(subst +, ,$(notdir $(1)))))
$(foreach s,$(FUZZ_SRC),$(eval $(call fuzz_rule,$(s),$(call fuzz_tool,$(s)))))

# ---- CUDA kernels: compiled by g++ for the emulator, by nvcc where it is present -----------------------------------------
CXXFLAGS ?= -O2 -g1
$(BUILD)/emulated-obj/%.o: %.cu
	@mkdir -p $(@D)
	$(call say,CXX,$@)
	$(Q)$(CXX) -x c++ -std=c++17 -D_GNU_SOURCE -DCUDA_EMULATED -I. -pthread -ffp-contract=off -MMD -MP $(WARNINGS) -Wno-unknown-pragmas $(SAN_FLAGS) $(CXXFLAGS) -c $< -o $@
$(BUILD)/obj/%.o: %.cpp
	@mkdir -p $(@D)
	$(call say,CXX,$@)
	$(Q)$(CXX) -std=c++17 -D_GNU_SOURCE -DCUDA_EMULATED -I. -pthread -MMD -MP $(WARNINGS) -Wno-unknown-pragmas $(SAN_FLAGS) $(CXXFLAGS) -c $< -o $@
$(EMULATED_LIBRARY): $(CUDA_SRC:%.cu=$(BUILD)/emulated-obj/%.o)
	@mkdir -p $(@D); rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcsD $@ $^

# tests/device/NAME_test.c: an op of the emulated backend against the CPU's; tests/gpu-check links the same objects for a GPU.
DEVICE_TESTS := $(addprefix $(BUILD)/,$(basename $(DEVICE_TEST_SRC) $(DEVICE_BENCH_SRC)))
$(DEVICE_TESTS): $(BUILD)/%: $(BUILD)/obj/%.o $(call object,tests/tap.c) $(EMULATED_LIBRARY) $(BUILD)/lib/libcommon.a $(BUILD)/lib/libkernels.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) $(SAN_FLAGS) $(LDFLAGS) -pthread -fopenmp -o $@ $< $(call object,tests/tap.c) $(BUILD)/lib/libcommon.a $(EMULATED_LIBRARY) $(BUILD)/lib/libkernels.a $(LIBS)

# Programs whose --device cuda is the emulator, for tests: the same objects, linked with another backend_cuda().  Two unit tests
# also run on a device, with the argument cuda: tests/device/all.c.
EMULATED_TOOLS := lm-train lm-sample
DEVICE_UNIT_SRC := tests/unit/common/model/oracle_test.c tests/unit/common/train/loss_curve_test.c
EMULATED_PROGRAMS := $(addprefix $(BUILD)/emulated-bin/,$(EMULATED_TOOLS) all fragments_test)
define emulated_rule
$(BUILD)/emulated-bin/$(1): $(2) $(BUILD)/lib/libcommon.a $(EMULATED_LIBRARY) $(BUILD)/lib/libkernels.a
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CXX) $$(CXXFLAGS) $$(SAN_FLAGS) $$(LDFLAGS) -pthread -fopenmp -o $$@ $$^ $$(LIBS)
endef
$(foreach t,$(EMULATED_TOOLS),$(eval $(call emulated_rule,$(t),$(call tool_objects,$(t)))))

NVCC := $(CUDA_HOME)/bin/nvcc
CUDA_ARCHITECTURES ?= 80 90a 100a
# GPUs that are newer than these, or lie between (RTX 50, B300), have the driver compile this when a program first starts
CUDA_PTX ?= $(filter 80,$(CUDA_ARCHITECTURES))
GENCODE := $(foreach a,$(CUDA_ARCHITECTURES),-gencode arch=compute_$(a),code=sm_$(a)) $(foreach a,$(CUDA_PTX),-gencode arch=compute_$(a),code=compute_$(a))
$(BUILD)/cuda/%.o: %.cu
	@mkdir -p $(@D)
	$(call say,NVCC,$@)
	$(Q)$(NVCC) -std=c++17 -O3 -I. -Xcompiler -D_GNU_SOURCE $(GENCODE) -MMD -MP -Xptxas -v -c $< -o $@ 2> $@.log || { cat $@.log >&2; exit 1; }
$(BUILD)/lib/libcuda.a: $(CUDA_SRC:%.cu=$(BUILD)/cuda/%.o)
	@mkdir -p $(@D); rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcsD $@ $^
cuda: $(BUILD)/lib/libcuda.a

# build/gpu: all that tests/gpu-check needs, so that it can run where there is a GPU but neither this compiler nor these libraries.
# The tests (but those of the emulator itself) and benchmarks are one program, as are the same objects for the emulator.
DEVICE_ALL_SRC := $(filter %.c,$(DEVICE_TEST_SRC)) $(DEVICE_BENCH_SRC) $(DEVICE_UNIT_SRC)
DEVICE_ALL_OBJECTS := $(DEVICE_ALL_SRC:%.c=$(BUILD)/renamed-obj/%.o) $(BUILD)/renamed-obj/tests/device/all.o $(call object,tests/tap.c)
$(BUILD)/renamed-obj/%.o: $(BUILD)/obj/%.o
	@mkdir -p $(@D)
	$(Q)objcopy --redefine-sym main=main_of_$(*F) $< $@
$(BUILD)/renamed-obj/tests/device/all.o: tests/device/all.c Makefile $(DEVICE_ALL_SRC)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BASE_CFLAGS)) $(CFLAGS) -DPROGRAMS='$(foreach s,$(DEVICE_ALL_SRC),PROGRAM($(notdir $(basename $(s)))))' -c $< -o $@
$(BUILD)/emulated-bin/all: $(DEVICE_ALL_OBJECTS) $(BUILD)/lib/libcommon.a $(EMULATED_LIBRARY) $(BUILD)/lib/libkernels.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) $(SAN_FLAGS) $(LDFLAGS) -pthread -fopenmp -o $@ $^ $(LIBS)
$(BUILD)/emulated-bin/fragments_test: $(BUILD)/tests/device/fragments_test
	@mkdir -p $(@D)
	$(Q)cp $< $@

define gpu_rule
$(BUILD)/gpu/$(1): $(2) $(BUILD)/lib/libcommon.a $(BUILD)/lib/libcuda.a $(BUILD)/lib/libkernels.a
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CXX) $$(CXXFLAGS) $$(LDFLAGS) -s -pthread -fopenmp -Wl,--disable-new-dtags -Wl,-rpath,'$$$$ORIGIN/lib' -o $$@ $$^ $$(LIBS)
endef
$(foreach t,$(EMULATED_TOOLS),$(eval $(call gpu_rule,$(t),$(call tool_objects,$(t)))))
$(eval $(call gpu_rule,all,$(DEVICE_ALL_OBJECTS)))
$(BUILD)/gpu/fragments_test: tests/device/fragments_test.cpp $(call object,tests/tap.c) $(CUDA_HEADERS)
	@mkdir -p $(@D)
	$(call say,NVCC,$@)
	$(Q)$(NVCC) -x cu -std=c++17 -O2 -I. $(GENCODE) -c $< -o $(BUILD)/cuda/fragments_test.o
	$(Q)$(NVCC) -Xlinker -s -o $@ $(BUILD)/cuda/fragments_test.o $(call object,tests/tap.c)
# what does not depend on the device: the emulator's fragments, tokens to train on
$(BUILD)/gpu/fragments.tsv: $(BUILD)/tests/device/fragments_test
	@mkdir -p $(@D)
	$(Q)$< --dump $@ > /dev/null
$(BUILD)/gpu/tokenizer.tsv: $(BUILD)/bin/bpe-train $(wildcard man/*.[157])
	@mkdir -p $(@D)
	$(Q)$< -q -n 512 --raw -o $@ $(wordlist 2,999,$^)
$(BUILD)/gpu/text.bin: $(BUILD)/bin/bpe-encode $(BUILD)/gpu/tokenizer.tsv $(wildcard man/*.[157])
	@mkdir -p $(@D)
	$(Q)$< -q -t $(word 2,$^) --raw -o $@ $(wordlist 3,999,$^)
GPU_DATA := $(BUILD)/gpu/fragments.tsv $(BUILD)/gpu/tokenizer.tsv $(BUILD)/gpu/text.bin
gpu-tests: $(addprefix $(BUILD)/gpu/,all fragments_test $(EMULATED_TOOLS)) $(GPU_DATA)

# build/gpu.tar.gz: build/gpu with the libraries that a bare machine lacks and the shared data of the oracles, where they are here.
gpu-bundle: gpu-tests
	$(Q)rm -rf $(BUILD)/gpu/lib && mkdir -p $(BUILD)/gpu/lib
	$(Q)ldd $(BUILD)/gpu/all $(BUILD)/gpu/lm-train | awk '$$3 ~ "^/" && $$1 !~ /^lib(c|m|dl|rt|pthread)\.so/ { print $$3 }' | sort -u | xargs -I{} cp -L {} $(BUILD)/gpu/lib/
	$(Q)tests/gpu-check --data $(BUILD)/gpu/shared/data
	$(Q)tar -C $(BUILD) -czf $(BUILD)/gpu.tar.gz --exclude='gpu/out*' gpu
	@ls -l $(BUILD)/gpu.tar.gz

# ---- checks -----------------------------------------------------------------------------------------------------------
tests: all $(EMULATED_PROGRAMS) $(GPU_DATA) $(UNIT_TESTS) $(KERNEL_TESTS) $(FP64_TESTS) $(DEVICE_TESTS) $(FUZZERS)

sanitized:
	+$(MAKE) --no-print-directory SAN=address,undefined CUDA=0 CFLAGS='-O1 -g' CXXFLAGS='-O1 -g1' all $(patsubst build/%,build/san-address-undefined/%,$(UNIT_TESTS) $(filter-out %/bench %/throughput,$(DEVICE_TESTS)) $(FUZZERS))

check: deps
	+$(MAKE) --no-print-directory tests
	+$(MAKE) --no-print-directory sanitized
	tests/run $(BUILD)

mutants: $(DEVICE_TESTS)
	tests/device/mutants $(BUILD)

bench: all
	tests/bench/run $(BUILD)

# Where nvcc is; without it tests/gpu-check says what is missing.
gpu-check: $(if $(filter 1,$(CUDA)),$(if $(shell nvidia-smi -L 2> /dev/null),gpu-tests))
	tests/gpu-check $(BUILD)

demo: deps
	+$(MAKE) --no-print-directory all
	+$(MAKE) --no-print-directory -C pipelines/demo BIN='$(CURDIR)/$(BUILD)/bin' OUT='$(CURDIR)/build/demo' $(if $(CONFIG),CONFIG='$(abspath $(CONFIG))')

golden: all
	tests/run --golden $(BUILD)

# ---- set-up -----------------------------------------------------------------------------------------------------------
DEB_PACKAGES := gcc g++ make pkg-config zlib1g-dev libdeflate-dev libzstd-dev libbrotli-dev libcurl4-openssl-dev libssl-dev libxml2-dev libpcre2-dev libxxhash-dev \
	libjansson-dev libutf8proc-dev libopenblas-openmp-dev libdnnl-dev liblapack-dev liblbfgs-dev \
	perl bats mandoc zstd wget gnuplot-nox
deps:
	@missing=$$(for p in $(DEB_PACKAGES); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q '^install ok' || echo $$p; done | tr '\n' ' '); \
	if [ -n "$$missing" ]; then \
	  sudo=$$([ $$(id -u) = 0 ] || echo sudo); \
	  echo "$$sudo apt-get update && $$sudo apt-get install -y --no-install-recommends $$missing"; \
	  command -v apt-get > /dev/null || { echo 'deps: not a Debian system: install the libraries above by hand' >&2; exit 1; }; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man{1,5,7} $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin/
	for s in 1 5 7; do for f in man/*.$$s; do [ ! -e $$f ] || install -m 644 $$f $(DESTDIR)$(PREFIX)/share/man/man$$s/; done; done
	for p in $(TOOLS); do $(BUILD)/bin/$$p --completion > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p; done

uninstall:
	for p in $(TOOLS); do rm -f $(DESTDIR)$(PREFIX)/bin/$$p $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p; done
	for f in man/*.[157]; do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${f##*.}/$${f##*/}; done

dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=crawl2lm-$$(sed -n 's/^#define CRAWL2LM_VERSION "\(.*\)"/\1/p' common/io/program.h)/ -o build/crawl2lm.tar.gz HEAD

clean:
	rm -rf build

help:
	@printf '%s\n' \
	  'make            build every program into build/bin' \
	  'make demo       a crawl becomes a model: build/demo/report/index.html' \
	  'make check      all tests, ends with "N passed, N failed"' \
	  'make bench      side by side with the peers (installs them in a virtual environment)' \
	  'make deps       install what is missing (Debian packages)' \
	  'make install    PREFIX=/usr/local DESTDIR=' \
	  'make sanitized  build/san-address-undefined' \
	  'make mutants    the device tests with every wait forgotten once: each must fail' \
	  'make gpu-check  everything that needs a GPU; exits 77 without one' \
  'make gpu-bundle all it needs, built, for another machine: build/gpu.tar.gz' \
	  'make dist clean uninstall golden' \
	  '' \
	  'SAN=address,undefined|thread  CUDA=0|1|emulated  WERROR=1  CFLAGS=...'

-include $(shell find $(BUILD)/obj $(BUILD)/obj64 $(BUILD)/emulated-obj $(BUILD)/cuda -name '*.d' 2>/dev/null)
