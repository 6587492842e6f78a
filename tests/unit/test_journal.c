/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal against kills, full disks and hostile trees. Linked with the library that stops
 * between any two writes (KVT_FIX_STEPS).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fix/journal.h"
#include "sys/error.h"

static int steps_left = -1; /* negative: nobody dies */

void kvt_fix_step(const char *what); /* as the library that is built for this test wants it */

void kvt_fix_step(const char *what)
{
	(void)what;
	if (steps_left == 0)
		kill(getpid(), SIGKILL);
	if (steps_left > 0)
		steps_left--;
}

/* ---- a tree, and what it looks like ---- */

static char *tree;

static char *at(const char *path)
{
	return g_build_filename(tree, path, NULL);
}

static void put(const char *path, const char *text)
{
	g_autofree char *full = at(path);
	g_autofree char *folder = g_path_get_dirname(full);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static char *get(const char *path)
{
	g_autofree char *full = at(path);
	char *text = NULL;

	g_file_get_contents(full, &text, NULL, NULL);
	return text;
}

static char *describe_file(const char *path, const struct stat *st, bool with_time)
{
	g_autofree char *text = NULL;
	g_autofree char *sum = NULL;
	char mark[256], acl[256];
	const ssize_t mark_len = lgetxattr(path, "user.kvmtime", mark, sizeof(mark));
	const ssize_t acl_len = lgetxattr(path, "system.posix_acl_access", acl, sizeof(acl));
	gsize size = 0;

	if (S_ISREG(st->st_mode) && g_file_get_contents(path, &text, &size, NULL))
		sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)text, size);
	return g_strdup_printf("%s %o %u:%u %ld.%09ld %s %.*s acl %zd", path, st->st_mode,
			       st->st_uid, st->st_gid, with_time ? st->st_mtim.tv_sec : 0,
			       with_time ? st->st_mtim.tv_nsec : 0, sum,
			       mark_len > 0 ? (int)mark_len : 0, mark, acl_len > 0 ? acl_len : 0);
}

static void describe_folder(GPtrArray *lines, const char *folder, bool with_time)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		struct stat st;

		if (g_str_has_suffix(path, "/var") || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			g_ptr_array_add(lines, g_strdup_printf("%s/ %o", path, st.st_mode));
			describe_folder(lines, path, with_time);
		} else {
			g_ptr_array_add(lines, describe_file(path, &st, with_time));
		}
	}
}

static gint by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The whole tree as text, the journal's own folder left out. */
static char *describe(bool with_time)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	describe_folder(lines, tree, with_time);
	g_ptr_array_sort(lines, by_text);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

static void remove_tree(const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			remove_tree(path);
		else
			g_unlink(path);
	}
	g_rmdir(folder);
}

/* An ACL that lets user 7 read: what setfacl -m u:7:r writes. */
static void set_acl(const char *path)
{
	static const guint8 acl[] = {
		2, 0, 0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,   4,
		0, 7, 0,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16,  0,
		4, 0, 255, 255, 255, 255, 32, 0, 4,   0,   255, 255, 255, 255,
	};

	(void)!setxattr(path, "system.posix_acl_access", acl, sizeof(acl),
			0); /* not on every file system */
}

static void dress(const char *path, mode_t mode, long time_s)
{
	g_autofree char *full = at(path);
	const struct timespec times[2] = { { .tv_sec = time_s, .tv_nsec = 123456789 },
					   { .tv_sec = time_s, .tv_nsec = 987654321 } };

	(void)!setxattr(full, "user.kvmtime", "keep", 4, 0);
	g_assert_cmpint(chmod(full, mode), ==, 0);
	set_acl(full);
	if (geteuid() == 0)
		g_assert_cmpint(chown(full, 7, 8), ==, 0);
	g_assert_cmpint(utimensat(AT_FDCWD, full, times, 0), ==, 0);
}

/* Hundreds of trees are killed: in memory, where syncing costs nothing; the others on the disk. */
static bool in_memory;

static void make_tree(void)
{
	tree = in_memory ? g_mkdtemp(g_strdup("/dev/shm/kvmtime-XXXXXX")) : NULL;
	if (tree == NULL)
		tree = g_dir_make_tmp("kvmtime-XXXXXX", NULL);
	put("etc/chrony.conf", "pool pool.ntp.org iburst\nmakestep 1.0 3\n");
	put("etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet notsc\"\n");
	put("etc/old.conf", "going\n");
	put("sys/switch", "hpet\n");
	dress("etc/chrony.conf", 0640, 1000000000);
	dress("etc/default/grub", 0600, 1100000000);
	dress("etc/old.conf", 04755, 1200000000);
}

static void drop_tree(void)
{
	remove_tree(tree);
	g_clear_pointer(&tree, g_free);
}

static GBytes *bytes_of(const char *text)
{
	return text != NULL ? g_bytes_new(text, strlen(text)) : NULL;
}

static void add(GPtrArray *changes, const char *path, const char *after)
{
	g_autofree char *text = get(path);
	g_autoptr(GBytes) before = bytes_of(text);
	g_autoptr(GBytes) next = bytes_of(after);
	g_autofree char *full = g_strconcat("/", path, NULL);

	g_ptr_array_add(changes, kvt_change_new(full, before, next));
}

static GPtrArray *some_changes(void)
{
	GPtrArray *changes = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_change_free);

	add(changes, "etc/chrony.conf", "pool pool.ntp.org iburst\nmakestep 1.0 -1\n");
	add(changes, "etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet\"\n");
	add(changes, "etc/modules-load.d/deep/ptp_kvm.conf", "ptp_kvm\n");
	add(changes, "etc/old.conf", NULL);
	return changes;
}

static GPtrArray *a_switch(void)
{
	GPtrArray *switches = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_switch_free);

	g_ptr_array_add(switches, kvt_switch_new("/sys/switch", "hpet", "tsc"));
	return switches;
}

static bool apply(GPtrArray *changes, GPtrArray *switches, unsigned *number, GError **error)
{
	g_autoptr(kvt_journal) journal = kvt_journal_open(tree, NULL, error);

	return journal != NULL &&
	       kvt_journal_apply(journal, "test", changes, switches, NULL, number, error);
}

static bool undo(unsigned number, GError **error)
{
	g_autoptr(kvt_journal) journal = kvt_journal_open(tree, NULL, error);

	return journal != NULL && kvt_journal_undo(journal, number, &number, error);
}

/* ---- tests ---- */

static void test_apply_keeps_owner_mode_and_attributes(void)
{
	g_autoptr(GPtrArray) changes = NULL;
	g_autofree char *text = NULL;
	g_autofree char *full = NULL;
	g_autoptr(GError) error = NULL;
	struct stat old, st;
	char value[8];
	unsigned number;

	make_tree();
	full = at("etc/chrony.conf");
	g_assert_cmpint(stat(full, &old), ==, 0);
	changes = some_changes();
	g_assert_true(apply(changes, NULL, &number, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(number, ==, 1);
	text = get("etc/chrony.conf");
	g_assert_cmpstr(text, ==, "pool pool.ntp.org iburst\nmakestep 1.0 -1\n");
	g_assert_cmpint(stat(full, &st), ==, 0);
	g_assert_cmpuint(st.st_mode, ==, old.st_mode);
	g_assert_cmpuint(st.st_uid, ==, old.st_uid);
	g_assert_cmpuint(st.st_gid, ==, old.st_gid);
	if (getxattr(full, "user.kvmtime", value, sizeof(value)) != 4)
		g_assert_cmpint(errno, ==, ENOTSUP);
	drop_tree();
}

static void test_undo_brings_everything_back(void)
{
	g_autoptr(GPtrArray) changes = NULL;
	g_autofree char *old = NULL;
	g_autofree char *now = NULL;
	g_autoptr(GError) error = NULL;
	unsigned number;

	make_tree();
	/* the switch's own time is not kept: /sys has none */
	changes = some_changes();
	old = describe(true);
	g_assert_true(apply(changes, NULL, &number, &error));
	g_assert_true(undo(number, &error));
	g_assert_no_error(error);
	now = describe(true);
	g_assert_cmpstr(now, ==, old);
	drop_tree();
}

static void test_switch_is_read_back_and_undone(void)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autoptr(GPtrArray) switches = a_switch();
	g_autoptr(GError) error = NULL;
	g_autofree char *after = NULL;
	g_autofree char *back = NULL;
	unsigned number;

	make_tree();
	g_assert_true(apply(none, switches, &number, &error));
	after = get("sys/switch");
	g_assert_cmpstr(after, ==, "tsc\n");
	g_assert_true(undo(0, &error));
	g_assert_no_error(error);
	back = get("sys/switch");
	g_assert_cmpstr(back, ==, "hpet\n");
	drop_tree();
}

/* Kill at write step K of what(), for every K until it ends by itself; then look. */
static void kill_at_each_step(void (*what)(void), void (*look)(void), void (*make)(void))
{
	int status = -1, k;

	for (k = 0; k < 2000; k++) {
		pid_t child;

		make();
		child = fork();
		if (child == 0) {
			steps_left = k;
			what();
			_exit(0);
		}
		g_assert_cmpint(waitpid(child, &status, 0), ==, child);
		look();
		drop_tree();
		if (WIFEXITED(status))
			break;
		g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, 0);
	in_memory = false;
	g_test_message("%d write steps", k);
	g_assert_cmpint(k, >, 20);
}

static char *tree_old; /* descriptions; paths are below a folder of another name each time */
static char *tree_new;

static char *describe_from_top(bool with_time)
{
	g_autofree char *text = describe(with_time);
	g_auto(GStrv) parts = g_strsplit(text, tree, -1);

	return g_strjoinv("", parts);
}

static void apply_all(void)
{
	g_autoptr(GPtrArray) changes = some_changes();
	g_autoptr(GPtrArray) switches = a_switch();
	unsigned number;

	if (!apply(changes, switches, &number, NULL))
		_exit(1);
}

static void undo_all(void)
{
	if (!undo(0, NULL))
		_exit(1);
}

static void make_applied(void)
{
	make_tree();
	apply_all();
}

static void set_marks(void)
{
	in_memory = true;
	make_tree();
	tree_old = describe_from_top(false);
	apply_all();
	tree_new = describe_from_top(false);
	drop_tree();
}

static void look_old_or_new(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) list = NULL;
	g_autoptr(kvt_journal) journal = kvt_journal_open(tree, NULL, &error); /* the next run */
	g_autofree char *now = NULL;
	bool is_new;

	g_assert_no_error(error);
	now = describe_from_top(false);
	is_new = strcmp(now, tree_new) == 0;
	if (!is_new)
		g_assert_cmpstr(now, ==, tree_old);
	list = kvt_journal_list(journal);
	for (guint i = 0; i < list->len; i++)
		g_assert_cmpint(((struct kvt_transaction *)list->pdata[i])->state, ==,
				is_new ? KVT_APPLIED : KVT_UNDONE);
}

static void test_kill_while_applying_leaves_old_or_new(void)
{
	set_marks();
	kill_at_each_step(apply_all, look_old_or_new, make_tree);
	g_clear_pointer(&tree_old, g_free);
	g_clear_pointer(&tree_new, g_free);
}

static void test_kill_while_undoing_leaves_old_or_new(void)
{
	set_marks();
	kill_at_each_step(undo_all, look_old_or_new, make_applied);
	g_clear_pointer(&tree_old, g_free);
	g_clear_pointer(&tree_new, g_free);
}

/* a run that was killed, then the mending run killed at each of its own steps */
static void mend(void)
{
	kvt_journal_close(kvt_journal_open(tree, NULL, NULL));
}

static void make_half_applied(void)
{
	pid_t child;

	make_tree();
	child = fork();
	if (child == 0) {
		steps_left = 45;
		apply_all();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void test_kill_while_mending_leaves_old_or_new(void)
{
	set_marks();
	kill_at_each_step(mend, look_old_or_new, make_half_applied);
	g_clear_pointer(&tree_old, g_free);
	g_clear_pointer(&tree_new, g_free);
}

/* Applying is refused with @code and words, and the tree is as it was. */
static void assert_refused(GPtrArray *changes, GPtrArray *switches, int code, const char *words)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *old = describe(true);
	g_autofree char *now = NULL;
	unsigned number = 77;

	g_assert_false(apply(changes, switches, &number, &error));
	g_assert_error(error, KVT_ERROR, code);
	if (strstr(error->message, words) == NULL)
		g_error("'%s' lacks '%s'", error->message, words);
	g_assert_cmpuint(number, ==, 77);
	now = describe(true);
	g_assert_cmpstr(now, ==, old);
}

static void test_file_changed_since_the_plan_is_refused(void)
{
	g_autoptr(GPtrArray) changes = NULL;

	make_tree();
	changes = some_changes();
	put("etc/default/grub", "edited meanwhile\n");
	assert_refused(changes, NULL, KVT_STATUS_BAD_INPUT, "changed since");
	drop_tree();
}

static void test_undo_of_a_file_edited_since_is_refused(void)
{
	g_autoptr(GPtrArray) changes = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *old = NULL;
	g_autofree char *now = NULL;
	unsigned number;

	make_tree();
	changes = some_changes();
	g_assert_true(apply(changes, NULL, &number, NULL));
	put("etc/chrony.conf", "edited by a hand\n");
	old = describe(true);
	g_assert_false(undo(0, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	now = describe(true);
	g_assert_cmpstr(now, ==, old);
	drop_tree();
}

static void test_link_out_of_the_root_stays_in_it(void)
{
	g_autoptr(GPtrArray) changes =
		g_ptr_array_new_with_free_func((GDestroyNotify)kvt_change_free);
	g_autoptr(GBytes) before = g_bytes_new_static("outside\n", 8);
	g_autofree char *outside = NULL;
	g_autofree char *link = NULL;
	g_autofree char *text = NULL;

	make_tree();
	outside = g_strconcat(tree, ".outside", NULL);
	link = at("etc/ntp.conf");
	g_assert_true(g_file_set_contents(outside, "outside\n", -1, NULL));
	g_assert_cmpint(symlink(outside, link), ==, 0);
	g_ptr_array_add(changes, kvt_change_new("/etc/ntp.conf", before, NULL));
	assert_refused(changes, NULL, KVT_STATUS_BAD_INPUT, "link");
	g_assert_true(g_file_get_contents(outside, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "outside\n");
	g_unlink(outside);
	drop_tree();
}

static void test_link_within_the_root_is_followed_and_stays(void)
{
	g_autoptr(GPtrArray) changes =
		g_ptr_array_new_with_free_func((GDestroyNotify)kvt_change_free);
	g_autoptr(GError) error = NULL;
	g_autofree char *link = NULL;
	g_autofree char *text = NULL;
	unsigned number;

	make_tree();
	link = at("etc/link.conf");
	g_assert_cmpint(symlink("/etc/chrony.conf", link), ==, 0);
	{
		g_autofree char *was = get("etc/chrony.conf");
		g_autoptr(GBytes) before = bytes_of(was);
		g_autoptr(GBytes) after = bytes_of("new\n");

		g_ptr_array_add(changes, kvt_change_new("/etc/link.conf", before, after));
	}
	g_assert_true(apply(changes, NULL, &number, &error));
	g_assert_no_error(error);
	g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
	text = get("etc/chrony.conf");
	g_assert_cmpstr(text, ==, "new\n");
	drop_tree();
}

static void test_what_is_no_plain_file_is_refused(void)
{
	g_autoptr(GPtrArray) changes =
		g_ptr_array_new_with_free_func((GDestroyNotify)kvt_change_free);
	g_autoptr(GPtrArray) linked =
		g_ptr_array_new_with_free_func((GDestroyNotify)kvt_change_free);
	g_autofree char *fifo = NULL;
	g_autofree char *one = NULL;
	g_autofree char *two = NULL;

	make_tree();
	fifo = at("etc/fifo.conf");
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	g_ptr_array_add(changes, kvt_change_new("/etc/fifo.conf", NULL, NULL));
	assert_refused(changes, NULL, KVT_STATUS_BAD_INPUT, "not a regular file");
	one = at("etc/chrony.conf");
	two = at("etc/second-name.conf");
	g_assert_cmpint(link(one, two), ==, 0);
	add(linked, "etc/chrony.conf", "x\n");
	assert_refused(linked, NULL, KVT_STATUS_BAD_INPUT, "hard links");
	drop_tree();
}

static void test_switch_that_does_not_take_rolls_back(void)
{
	g_autoptr(GPtrArray) changes = NULL;
	g_autoptr(GPtrArray) switches =
		g_ptr_array_new_with_free_func((GDestroyNotify)kvt_switch_free);

	if (!g_file_test("/dev/full", G_FILE_TEST_EXISTS)) {
		g_test_skip("no /dev/full");
		return;
	}
	make_tree();
	changes = some_changes();
	g_ptr_array_add(switches, kvt_switch_new("/sys/no-such-switch", "a", "b"));
	assert_refused(changes, switches, KVT_STATUS_REFUSED, "no-such-switch");
	drop_tree();
}

/* ---- small and read-only file systems: root only ---- */

static bool mount_small(const char *options, unsigned long flags)
{
	if (geteuid() != 0 || mount("kvmtime", tree, "tmpfs", flags, options) < 0) {
		g_test_skip("cannot mount a tmpfs here");
		return false;
	}
	return true;
}

static void test_full_disk_changes_nothing(void)
{
	g_autoptr(GPtrArray) changes =
		g_ptr_array_new_with_free_func((GDestroyNotify)kvt_change_free);
	g_autofree char *big = g_strnfill(100000, '#');
	int refused = 0;

	tree = g_dir_make_tmp("kvmtime-XXXXXX", NULL);
	if (!mount_small("size=900k", 0)) {
		drop_tree();
		return;
	}
	put("etc/a.conf", big);
	put("etc/b.conf", big);
	big[0] = '!';
	add(changes, "etc/a.conf", big);
	add(changes, "etc/b.conf", big);
	/* leave less and less room: each write of the journal meets the end of the disk once */
	for (int pages = 0; pages < 160; pages += 2) {
		g_autofree char *filler = g_strnfill((gsize)pages * 4096, 'x');
		g_autoptr(GError) error = NULL;
		g_autofree char *old = NULL;
		g_autofree char *now = NULL;
		g_autofree char *full = at("filler");
		unsigned number;

		FILE *file = fopen(full, "w");
		g_assert_nonnull(file);
		(void)!fwrite(filler, 1, strlen(filler), file);
		(void)fclose(file);
		old = describe(true);
		if (apply(changes, NULL, &number, &error)) {
			g_assert_true(undo(0, &error));
			g_assert_no_error(error);
		} else {
			refused++;
			g_assert_nonnull(strstr(error->message, "No space left"));
		}
		now = describe(true);
		g_assert_cmpstr(now, ==, old);
		g_unlink(full);
		{
			g_autofree char *state = at("var");

			remove_tree(state);
		}
	}
	g_assert_cmpint(refused, >, 10);
	g_assert_cmpint(refused, <, 80);
	g_assert_cmpint(umount(tree), ==, 0);
	drop_tree();
}

static void test_read_only_tree_is_refused(void)
{
	g_autoptr(GPtrArray) changes = NULL;

	make_tree();
	changes = some_changes();
	if (geteuid() != 0 || mount(tree, tree, NULL, MS_BIND, NULL) < 0) {
		g_test_skip("cannot mount here");
	} else {
		g_assert_cmpint(mount(NULL, tree, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), ==,
				0);
		assert_refused(changes, NULL, KVT_STATUS_REFUSED, "Read-only file system");
		g_assert_cmpint(umount(tree), ==, 0);
	}
	drop_tree();
}

static void test_second_user_of_the_journal_is_refused(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_journal) first = NULL;

	make_tree();
	first = kvt_journal_open(tree, NULL, NULL);
	g_assert_nonnull(first);
	g_assert_null(kvt_journal_open(tree, NULL, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
	drop_tree();
}

static void test_damaged_copy_is_not_put_back(void)
{
	g_autoptr(GPtrArray) changes = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	unsigned number;

	make_tree();
	changes = some_changes();
	g_assert_true(apply(changes, NULL, &number, NULL));
	put("var/lib/kvmtime/undo/1/0.before", "garbage\n");
	g_assert_false(undo(0, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	text = get("etc/chrony.conf");
	g_assert_cmpstr(text, ==, "pool pool.ntp.org iburst\nmakestep 1.0 -1\n");
	drop_tree();
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/journal/apply-keeps-owner-mode-and-attributes",
			test_apply_keeps_owner_mode_and_attributes);
	g_test_add_func("/journal/undo-brings-everything-back", test_undo_brings_everything_back);
	g_test_add_func("/journal/switch-is-read-back-and-undone",
			test_switch_is_read_back_and_undone);
	g_test_add_func("/journal/kill-while-applying", test_kill_while_applying_leaves_old_or_new);
	g_test_add_func("/journal/kill-while-undoing", test_kill_while_undoing_leaves_old_or_new);
	g_test_add_func("/journal/kill-while-mending", test_kill_while_mending_leaves_old_or_new);
	g_test_add_func("/journal/changed-since-the-plan",
			test_file_changed_since_the_plan_is_refused);
	g_test_add_func("/journal/edited-since-applied",
			test_undo_of_a_file_edited_since_is_refused);
	g_test_add_func("/journal/link-out-of-the-root", test_link_out_of_the_root_stays_in_it);
	g_test_add_func("/journal/link-within-the-root",
			test_link_within_the_root_is_followed_and_stays);
	g_test_add_func("/journal/not-a-plain-file", test_what_is_no_plain_file_is_refused);
	g_test_add_func("/journal/switch-that-does-not-take",
			test_switch_that_does_not_take_rolls_back);
	g_test_add_func("/journal/full-disk", test_full_disk_changes_nothing);
	g_test_add_func("/journal/read-only", test_read_only_tree_is_refused);
	g_test_add_func("/journal/locked", test_second_user_of_the_journal_is_refused);
	g_test_add_func("/journal/damaged-copy", test_damaged_copy_is_not_put_back);
	return g_test_run();
}
