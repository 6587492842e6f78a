/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the test guest: an independent clock read. Each byte that comes in on the port is answered
 * with one line, CLOCK_REALTIME in ns; the guest agent has no part in it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int answer(int fd)
{
	struct timespec now;
	char line[32];
	int len;

	clock_gettime(CLOCK_REALTIME, &now);
	len = snprintf(line, sizeof(line), "%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	return write(fd, line, (size_t)len) == len ? 0 : -1;
}

int main(int argc, char **argv)
{
	const int fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
	char byte;

	if (fd < 0)
		return 2;
	for (;;) {
		if (read(fd, &byte, 1) == 1)
			answer(fd);
		else
			usleep(10000); /* nobody is connected */
	}
}
