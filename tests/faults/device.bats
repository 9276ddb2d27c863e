#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What a user reads when the GPU is not what lm-train --device cuda needs, has too little memory, or fails in the middle; by
# the emulator's switches (kernels/cuda_runtime_cpu.h).

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0

load ../tiny

setup_file() {
  export T=$BATS_FILE_TMPDIR LC_ALL=C OMP_WAIT_POLICY=passive
  cd "$T" || return 1
  tiny_corpus 60
  "$BIN/bpe-encode" -q -t tok.tsv --raw -o train.bin corpus.txt
  tiny_config 32 64 2 32
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# train NAME=VALUE... -- OPTION...; one line on stderr, status 1 and no model, unless it succeeds
train() {
  local variables=()
  while [ "$1" != -- ]; do variables+=("$1"); shift; done
  shift
  rm -rf m
  run --separate-stderr env "${variables[@]}" "$EMULATED_BIN/lm-train" -q -c "$T/c.json" -d "$T/train.bin" -t "$T/tok.tsv" --batch 4 --seq 16 --steps 3 -o m "$@"
  echo "$status: $stderr"
  [ "$status" -eq 0 ] || { [ "$status" -eq 1 ] && [ "${#stderr_lines[@]}" -eq 1 ] && [ ! -e m/model.safetensors ]; }
}

# says WORD...: each is in the message
says() {
  local word
  [ "$status" -eq 1 ] || return 1
  for word; do [[ $stderr == *"$word"* ]] || { echo "it does not say: $word"; return 1; }; done
}

@test "no driver, an old one, no GPU: what is there, what to do, where" {
  train CUDA_CPU_DEVICE_ERROR=35 CUDA_CPU_DRIVER=0 -- --device cuda
  says 'lm-train: --device cuda: there is no NVIDIA driver' 'install one for CUDA 13' '--device cpu' 'cudaErrorInsufficientDriver at kernels/backend_cuda.cu:'
  train CUDA_CPU_DEVICE_ERROR=35 CUDA_CPU_DRIVER=12040 -- --device cuda
  says 'the NVIDIA driver is for CUDA 12.4, this program needs 13.0' 'install a newer one' 'kernels/backend_cuda.cu:'
  train CUDA_CPU_DEVICE_ERROR=100 -- --device cuda
  says 'no GPU answers' 'CUDA_VISIBLE_DEVICES' 'cudaErrorNoDevice at kernels/backend_cuda.cu:'
  train CUDA_CPU_DEVICE_ERROR=3 -- --device cuda
  says 'nvidia-smi' 'cudaErrorInitializationError at kernels/backend_cuda.cu:'
}

@test "a GPU that is too old, or one that the program was not built for" {
  train CUDA_CPU_CAPABILITY=75 CUDA_CPU_NAME='Tesla T4' -- --device cuda
  says 'Tesla T4 has compute capability 7.5' 'at least 8.0' '--device cpu' 'kernels/backend_cuda.cu:'
  train CUDA_CPU_CAPABILITY=120 CUDA_CPU_NAME='NVIDIA GeForce RTX 5090' -- --device cuda
  says 'was not built for NVIDIA GeForce RTX 5090' 'CUDA_ARCHITECTURES=120'
}

@test "a library that is not installed: its file, its package, before anything is done" {
  train CUDA_CPU_MISSING=cublaslt_library -- --device cuda
  says 'lm-train: --device cuda: libemulated-missing.so.13 cannot be opened' 'No such file' 'install the package emulated-missing-13-0' LD_LIBRARY_PATH
}

@test "--device auto takes the CPU where no GPU serves" {
  train CUDA_CPU_DEVICE_ERROR=100 -- --device auto
  [ "$status" -eq 0 ]
  train CUDA_CPU_CAPABILITY=120 -- --device auto
  [ "$status" -eq 0 ]
  train CUDA_CPU_MISSING=cublaslt_library -- --device auto
  [ "$status" -eq 0 ]
}

@test "too little memory: how much is needed and there, and what would fit" {
  train CUDA_CPU_MEMORY=537200000 -- --device cuda # half a GiB is left to libraries
  says 'are needed and 3' 'are there' '--micro-batch' '; needed are parameters 110 KiB, gradients 110 KiB, optimizer 220 KiB, activations' 'logits' "of the GPU's 512 MiB are free" '--plan'
  train CUDA_CPU_MEMORY=1000000 -- --device cuda
  says 'are needed and 0 B are there' "of the GPU's"
  train CUDA_CPU_MEMORY=540000000 -- --device cuda
  [ "$status" -eq 0 ]
}

@test "a kernel that fails, anywhere in a run: where it showed, and what tells more" {
  for kernel in 1 2 7 40 90 150; do
    for seed in 0 3; do
      train CUDA_CPU_FAULT=$kernel CUDA_CPU_SEED=$seed -- --device cuda
      says cudaErrorIllegalAddress CUDA_LAUNCH_BLOCKING=1 'report'
      [[ $stderr =~ kernels/[a-z_]+\.(cu|cuh):[0-9]+:\ cudaError ]]
    done
  done
}
