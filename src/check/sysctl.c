/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/sysctl.h"

#include <string.h>

gsize kvt_sysctl_value(const char *line, const char *key)
{
	const char *at = line + strspn(line, " \t-");
	gsize i = 0;

	if (*at == '#' || *at == ';')
		return 0;
	for (; key[i] != '\0'; i++)
		if (at[i] != key[i] && !(key[i] == '.' && at[i] == '/'))
			return 0;
	at += i + strspn(at + i, " \t");
	if (*at != '=')
		return 0;
	at++;
	return (gsize)(at + strspn(at, " \t") - line);
}
