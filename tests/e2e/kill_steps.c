/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_steps N PROGRAM [ARGUMENT...]: run a program as it is, and kill it by SIGKILL where it
 * enters the Nth system call that changes files; that call is not made any more. Prints "killed"
 * and the call's number, or "ended STATUS after COUNT steps" if there were fewer.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static bool changes_files(const struct __ptrace_syscall_info *info)
{
	switch (info->entry.nr) {
	case SYS_openat:
		return (info->entry.args[2] & O_CREAT) != 0;
	case SYS_write:
	case SYS_pwrite64:
		return info->entry.args[0] > 2;
	case SYS_mkdirat:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_rename:
	case SYS_unlinkat:
	case SYS_unlink:
	case SYS_rmdir:
	case SYS_fsync:
	case SYS_fchmod:
	case SYS_fchown:
	case SYS_fsetxattr:
	case SYS_fremovexattr:
	case SYS_utimensat:
	case SYS_ftruncate:
	case SYS_flock:
		return true;
	default:
		return false;
	}
}

/* The next stop of any thread; false at the end of the program. */
static bool next_stop(pid_t program, pid_t *ret_thread, int *ret_status)
{
	*ret_thread = waitpid(-1, ret_status, __WALL);
	return *ret_thread > 0 &&
	       !(*ret_thread == program && (WIFEXITED(*ret_status) || WIFSIGNALED(*ret_status)));
}

static int run(pid_t program, long step)
{
	const unsigned long options =
		PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE;
	long seen = 0;
	pid_t thread;
	int status;

	if (waitpid(program, &status, 0) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, program, NULL, (void *)options) < 0 ||
	    ptrace(PTRACE_SYSCALL, program, NULL, NULL) < 0)
		return 3;
	while (next_stop(program, &thread, &status)) {
		struct __ptrace_syscall_info info = { 0 };
		const int signal = WSTOPSIG(status);
		const bool call = WIFSTOPPED(status) && signal == (SIGTRAP | 0x80);

		if (call &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof(info), &info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY && changes_files(&info) &&
		    ++seen == step) {
			kill(program, SIGKILL);
			while (next_stop(program, &thread, &status)) {
			}
			printf("killed at call %llu\n", (unsigned long long)info.entry.nr);
			return 0;
		}
		if (WIFSTOPPED(status)) {
			const long pass =
				call || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;

			ptrace(PTRACE_SYSCALL, thread, NULL, (void *)pass);
		}
	}
	printf("ended %d after %ld steps\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1, seen);
	return 0;
}

int main(int argc, char **argv)
{
	pid_t program;

	if (argc < 3)
		return 2;
	program = fork();
	if (program < 0)
		return 3;
	if (program == 0) {
		const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(nothing, 1);
		dup2(nothing, 2);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(3);
		raise(SIGSTOP);
		execv(argv[2], argv + 2);
		_exit(3);
	}
	return run(program, strtol(argv[1], NULL, 10));
}
