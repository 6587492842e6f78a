/* SPDX-License-Identifier: BSD-2-Clause */
/* A fuzz target's view of its input: numbers taken from the front, zeros after the end. */
#ifndef KVT_FUZZ_INPUT_H
#define KVT_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static inline uint64_t input_u64(struct input *input)
{
	uint64_t value = 0;
	const size_t n = input->size < sizeof(value) ? input->size : sizeof(value);

	if (n > 0)
		memcpy(&value, input->data, n);
	input->data += n;
	input->size -= n;
	return value;
}

/* Stop the fuzzer where a documented promise is broken. */
#define PROMISE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

#endif
