/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <kvmtime/error.h>

const char *kvt_strerror(int error)
{
	switch (error > 0 ? 0 : error) {
#define KVT_ERROR_CASE(name, number, text) \
	case -(number):                    \
		return text;
		KVT_ERRORS(KVT_ERROR_CASE)
#undef KVT_ERROR_CASE
	case 0:
		return error == 0 ? "success" : "unknown error";
	default:
		return "unknown error";
	}
}
