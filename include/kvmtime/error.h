/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error numbers of the library. A call returns 0 or -KVT_E_x; what it found leaves through
 * its ret_ arguments, which a failing call does not touch. A number keeps its meaning for ever.
 */
#ifndef KVMTIME_ERROR_H
#define KVMTIME_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* name, number, text: the one list, from which the enum and kvt_strerror() are made */
#define KVT_ERRORS(X)                                                       \
	X(ARG, 1, "an argument is outside its documented range")            \
	X(TORN, 2, "the record was being written")                          \
	X(ORDER, 3, "the counter is older than the record")                 \
	X(RANGE, 4, "the result does not fit")                              \
	X(SIZE, 5, "too few bytes")                                         \
	X(MAGIC, 6, "the signature is not the expected one")                \
	X(VERSION, 7, "this version of the layout is not known")            \
	X(ABSENT, 8, "the feature is not offered here")                     \
	X(INVALID, 9, "the record says that it holds no valid time")        \
	X(ALIGN, 10, "the address is not aligned as the interface demands") \
	X(CORRUPT, 11, "a field holds a value that the format forbids")     \
	X(BUSY, 12, "the record changed during every attempt to read it")

enum kvt_error {
#define KVT_ERROR_ENUM(name, number, text) KVT_E_##name = number,
	KVT_ERRORS(KVT_ERROR_ENUM)
#undef KVT_ERROR_ENUM
};

/**
 * kvt_strerror() - the text of an error number
 * @error: what a call returned: 0, -KVT_E_x, or any other int
 *
 * Return: a static string, never NULL; "success" for 0, "unknown error" for a stranger.
 * Context: pure; freestanding; any thread.
 */
const char *kvt_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
