# SPDX-License-Identifier: MIT
"""The rate that the best library here, OpenBLAS or oneDNN, reaches in fp32 on the matmul shapes of CASE's model: forward, and the two
products of the backward pass, of each matrix, weighted by how often a step needs them.  Prints `ceiling GFLOP/S LIBRARY`."""
import ctypes, ctypes.util, os, statistics, sys, time
import numpy as np

gpt2, jobs = "-gpt2-" in os.environ["CASE"], int(os.environ["JOBS"])
# rows, then (times a step, out, in)
rows, shapes = (256, [(12, 2304, 768), (12, 768, 768), (12, 3072, 768), (12, 768, 3072), (1, 50257, 768)]) if gpt2 else \
    (2048, [(6, 1152, 384), (6, 384, 384), (6, 2048, 384), (6, 384, 1024), (1, 16384, 384)])


def library(*names):
    for n in names:
        try:
            return ctypes.CDLL(n, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            pass
    return None


def pointer(a):
    return a.ctypes.data_as(ctypes.c_void_p)


def openblas():
    lib = library("libopenblas.so.0", ctypes.util.find_library("openblas") or "libopenblas.so")
    if not lib:
        return None
    lib.openblas_set_num_threads(jobs)
    lib.openblas_get_corename.restype = ctypes.c_char_p
    one, zero, i = ctypes.c_float(1), ctypes.c_float(0), ctypes.c_int

    def gemm(ta, tb, M, N, K, a, lda, b, ldb, c):
        lib.cblas_sgemm(i(101), i(112 if ta else 111), i(112 if tb else 111), i(M), i(N), i(K), one, pointer(a), i(lda), pointer(b), i(ldb), zero, pointer(c), i(N))
    return f"OpenBLAS ({lib.openblas_get_corename().decode()})", gemm


def onednn():
    lib = library("libdnnl.so.2", "libdnnl.so.3", ctypes.util.find_library("dnnl") or "libdnnl.so")
    if not lib:
        return None
    one, zero, i = ctypes.c_float(1), ctypes.c_float(0), ctypes.c_int64
    letter = lambda t: ctypes.c_char(b"T" if t else b"N")

    def gemm(ta, tb, M, N, K, a, lda, b, ldb, c):
        if lib.dnnl_sgemm(letter(ta), letter(tb), i(M), i(N), i(K), one, pointer(a), i(lda), pointer(b), i(ldb), zero, pointer(c), i(N)):
            raise RuntimeError("dnnl_sgemm fails")
    return "oneDNN", gemm


def rate(gemm):
    flops = seconds = 0
    random = np.random.default_rng(0)
    for times, out, into in shapes:
        x, w, y = (random.standard_normal(s, dtype=np.float32) for s in ((rows, into), (out, into), (rows, out)))
        for product in (lambda: gemm(False, True, rows, out, into, x, into, w, into, y),
                        lambda: gemm(False, False, rows, into, out, y, out, w, into, x),
                        lambda: gemm(True, False, out, into, rows, y, out, x, into, w)):
            product()
            taken = []
            for _ in range(7):
                start = time.perf_counter()
                product()
                taken.append(time.perf_counter() - start)
            seconds += times * statistics.median(taken)
            flops += times * 2 * rows * out * into
            for a in (x, w, y):  # products of products overflow
                a *= np.float32(1 / max(1e-30, np.abs(a).max()))
    return flops / seconds / 1e9


found = [(rate(l[1]), l[0]) for l in (openblas(), onednn()) if l]
if not found:
    sys.exit("neither OpenBLAS nor oneDNN can be loaded")
print("ceiling", *max(found))
