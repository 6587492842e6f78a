/* SPDX-License-Identifier: BSD-2-Clause */
/* A layout that does not have the size or offset of its specification does not compile. */
#ifndef KVMTIME_ABI_ASSERT_H
#define KVMTIME_ABI_ASSERT_H

#ifdef __cplusplus
#define KVT_ABI_ASSERT(what, why) static_assert(what, why)
#else
#define KVT_ABI_ASSERT(what, why) _Static_assert(what, why)
#endif

#define KVT_ABI_SIZE(tag, bytes) KVT_ABI_ASSERT(sizeof(struct tag) == (bytes), #tag)
#define KVT_ABI_OFFSET(tag, field, bytes) \
	KVT_ABI_ASSERT(offsetof(struct tag, field) == (bytes), #tag "." #field)

#endif
