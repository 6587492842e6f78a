/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/facts.h"

#include <string.h>

#include "check/fact_list.h"

#define TEXT_LIMIT 500

/* The words of the table's third column. */
enum { MACHINE = KVT_MACHINE, HOST = KVT_HOST, GUEST = KVT_GUEST, VM = KVT_VM };

static const struct kvt_fact_def table[] = {
#define FACT_DEF(name, type, subjects, unit, about) \
	{ name, KVT_FACT_##type, subjects, unit, about },
	KVT_FACTS(FACT_DEF)
#undef FACT_DEF
};

struct kvt_facts {
	char *target;
	unsigned roles;
	bool bare;          /* without sources */
	GHashTable *by_key; /* GUINT of key() -> struct kvt_fact */
	GPtrArray *sorted;  /* borrowed from by_key; NULL = to be made again */
};

const struct kvt_fact_def *kvt_fact_defs(guint *ret_count)
{
	*ret_count = G_N_ELEMENTS(table);
	return table;
}

static GHashTable *index_names(void)
{
	GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		gboolean is_new = g_hash_table_insert(index, (gpointer)(guintptr)table[i].name,
						      (gpointer)(guintptr)&table[i]);

		g_assert(is_new);
	}
	return index;
}

const struct kvt_fact_def *kvt_fact_def_find(const char *name)
{
	static GHashTable *index;

	if (g_once_init_enter(&index))
		g_once_init_leave(&index, index_names());
	return g_hash_table_lookup(index, name);
}

const char *kvt_subject_name(unsigned subject)
{
	switch (subject & ~(unsigned)KVT_CONFIGURED) {
	case KVT_HOST:
		return "host";
	case KVT_VM:
		return "vm";
	case KVT_GUEST:
		return "guest";
	default:
		return "machine";
	}
}

static void fact_free(gpointer data)
{
	struct kvt_fact *fact = data;

	g_free(fact->text);
	g_strfreev(fact->list);
	g_free(fact->source);
	g_free(fact);
}

struct kvt_facts *kvt_facts_new(const char *target)
{
	struct kvt_facts *facts = g_new0(struct kvt_facts, 1);

	facts->target = g_strdup(target);
	facts->by_key = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, fact_free);
	return facts;
}

struct kvt_facts *kvt_facts_new_bare(const char *target)
{
	struct kvt_facts *facts = kvt_facts_new(target);

	facts->bare = true;
	return facts;
}

bool kvt_facts_is_bare(const struct kvt_facts *facts)
{
	return facts->bare;
}

void kvt_facts_free(struct kvt_facts *facts)
{
	if (facts == NULL)
		return;
	if (facts->sorted != NULL)
		g_ptr_array_unref(facts->sorted);
	g_hash_table_unref(facts->by_key);
	g_free(facts->target);
	g_free(facts);
}

const char *kvt_facts_target(const struct kvt_facts *facts)
{
	return facts->target;
}

void kvt_facts_set_roles(struct kvt_facts *facts, unsigned roles)
{
	facts->roles = roles;
}

unsigned kvt_facts_roles(const struct kvt_facts *facts)
{
	return facts->roles;
}

/* Never 0, and sorts by table line, then subject, then running before configured. */
static gpointer key(const struct kvt_fact_def *def, unsigned subject, bool configured)
{
	const guint line = (guint)(def - table);

	return GUINT_TO_POINTER((line + 1) * 16 + subject * 2 + (configured ? 1 : 0));
}

/* Printable ASCII with no space at its ends, which most texts are. */
static bool is_clean(const char *text, gsize len)
{
	for (gsize i = 0; i < len; i++)
		if (!g_ascii_isprint(text[i]))
			return false;
	return len == 0 || (text[0] != ' ' && text[len - 1] != ' ');
}

/* An outsider's bytes: valid UTF-8, no control characters, not without end. */
static char *clean_bytes(const char *text)
{
	g_autofree char *cut = g_strndup(text, TEXT_LIMIT);
	char *valid = g_utf8_make_valid(cut, -1);

	for (char *c = valid; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	g_strstrip(valid);
	return valid;
}

static char *clean(const char *text)
{
	const gsize len = strnlen(text, TEXT_LIMIT);

	return is_clean(text, len) ? g_strndup(text, len) : clean_bytes(text);
}

static struct kvt_fact *put(struct kvt_facts *facts, const struct kvt_fact_def *def,
			    unsigned subject, bool configured, const char *source)
{
	struct kvt_fact *fact = g_new0(struct kvt_fact, 1);

	fact->def = def;
	fact->subject = subject;
	fact->configured = configured;
	if (!facts->bare)
		fact->source = clean(source != NULL ? source : "");
	g_hash_table_replace(facts->by_key, key(def, subject, configured), fact);
	g_clear_pointer(&facts->sorted, g_ptr_array_unref);
	return fact;
}

/* One round for each subject bit of @who that the fact can have. */
#define FOR_EACH_SUBJECT(bit, def, who)                            \
	for (unsigned bit = KVT_HOST; bit <= KVT_GUEST; bit <<= 1) \
		if (((who) & (def)->subjects & bit) != 0)

static const struct kvt_fact_def *need(const char *name, unsigned types)
{
	const struct kvt_fact_def *def = kvt_fact_def_find(name);

	if (def == NULL || (types & 1u << def->type) == 0)
		g_error("fact %s: not in fact_list.h with this type", name);
	return def;
}

#define ANY_TYPE (~0u)

void kvt_facts_set_bool(struct kvt_facts *facts, unsigned who, const char *name, bool value,
			const char *source)
{
	const struct kvt_fact_def *def = need(name, 1u << KVT_FACT_BOOL);

	FOR_EACH_SUBJECT(bit, def, who)
	put(facts, def, bit, who & KVT_CONFIGURED, source)->flag = value;
}

void kvt_facts_set_int(struct kvt_facts *facts, unsigned who, const char *name, int64_t value,
		       const char *source)
{
	const struct kvt_fact_def *def = need(name, 1u << KVT_FACT_INT);

	FOR_EACH_SUBJECT(bit, def, who)
	put(facts, def, bit, who & KVT_CONFIGURED, source)->integer = value;
}

void kvt_facts_set_real(struct kvt_facts *facts, unsigned who, const char *name, double value,
			const char *source)
{
	const struct kvt_fact_def *def = need(name, 1u << KVT_FACT_REAL);

	FOR_EACH_SUBJECT(bit, def, who)
	put(facts, def, bit, who & KVT_CONFIGURED, source)->real = value;
}

void kvt_facts_set_text(struct kvt_facts *facts, unsigned who, const char *name, const char *value,
			const char *source)
{
	const struct kvt_fact_def *def = need(name, 1u << KVT_FACT_TEXT | 1u << KVT_FACT_VERSION);

	FOR_EACH_SUBJECT(bit, def, who)
	put(facts, def, bit, who & KVT_CONFIGURED, source)->text = clean(value);
}

void kvt_facts_set_list(struct kvt_facts *facts, unsigned who, const char *name,
			const char *const *value, const char *source)
{
	const struct kvt_fact_def *def = need(name, 1u << KVT_FACT_LIST);

	FOR_EACH_SUBJECT(bit, def, who)
	{
		struct kvt_fact *fact = put(facts, def, bit, who & KVT_CONFIGURED, source);

		fact->list = g_new0(char *, 1);
	}
	for (guint i = 0; value != NULL && value[i] != NULL; i++)
		kvt_facts_add_word(facts, who, name, value[i], source);
}

static void append_word(struct kvt_fact *fact, const char *word)
{
	const guint count = g_strv_length(fact->list);

	if (g_strv_contains((const char *const *)fact->list, word) || count >= 64)
		return;
	fact->list = g_renew(char *, fact->list, count + 2);
	fact->list[count] = g_strdup(word);
	fact->list[count + 1] = NULL;
}

void kvt_facts_add_word(struct kvt_facts *facts, unsigned who, const char *name, const char *word,
			const char *source)
{
	const struct kvt_fact_def *def = need(name, 1u << KVT_FACT_LIST);
	g_autofree char *safe = clean(word);

	FOR_EACH_SUBJECT(bit, def, who)
	{
		const bool configured = who & KVT_CONFIGURED;
		struct kvt_fact *fact =
			g_hash_table_lookup(facts->by_key, key(def, bit, configured));

		if (fact == NULL || fact->state != KVT_KNOWN) {
			fact = put(facts, def, bit, configured, source);
			fact->list = g_new0(char *, 1);
		}
		/* what was there said only where was looked */
		if (fact->list[0] == NULL && !facts->bare) {
			g_free(fact->source);
			fact->source = clean(source);
		}
		append_word(fact, safe);
	}
}

void kvt_facts_set_absent(struct kvt_facts *facts, unsigned who, const char *name,
			  const char *source)
{
	const struct kvt_fact_def *def = need(name, ANY_TYPE);

	FOR_EACH_SUBJECT(bit, def, who)
	put(facts, def, bit, who & KVT_CONFIGURED, source)->state = KVT_ABSENT;
}

void kvt_facts_set_unknown(struct kvt_facts *facts, unsigned who, const char *name, bool needs_root,
			   const char *reason)
{
	const struct kvt_fact_def *def = need(name, ANY_TYPE);

	FOR_EACH_SUBJECT(bit, def, who)
	{
		struct kvt_fact *fact = put(facts, def, bit, who & KVT_CONFIGURED, reason);

		fact->state = KVT_UNKNOWN;
		fact->needs_root = needs_root;
	}
}

const struct kvt_fact *kvt_facts_of(const struct kvt_facts *facts, unsigned who,
				    const struct kvt_fact_def *def)
{
	return g_hash_table_lookup(facts->by_key,
				   key(def, who & ~(unsigned)KVT_CONFIGURED, who & KVT_CONFIGURED));
}

void kvt_facts_put(struct kvt_facts *facts, unsigned who, const struct kvt_fact *fact)
{
	const char *name = fact->def->name;

	if (fact->state == KVT_UNKNOWN) {
		kvt_facts_set_unknown(facts, who, name, fact->needs_root, fact->source);
		return;
	}
	if (fact->state == KVT_ABSENT) {
		kvt_facts_set_absent(facts, who, name, fact->source);
		return;
	}
	switch (fact->def->type) {
	case KVT_FACT_BOOL:
		kvt_facts_set_bool(facts, who, name, fact->flag, fact->source);
		break;
	case KVT_FACT_INT:
		kvt_facts_set_int(facts, who, name, fact->integer, fact->source);
		break;
	case KVT_FACT_REAL:
		kvt_facts_set_real(facts, who, name, fact->real, fact->source);
		break;
	case KVT_FACT_TEXT:
	case KVT_FACT_VERSION:
		kvt_facts_set_text(facts, who, name, fact->text, fact->source);
		break;
	case KVT_FACT_LIST:
		kvt_facts_set_list(facts, who, name, (const char *const *)fact->list, fact->source);
		break;
	}
}

const struct kvt_fact *kvt_facts_get(const struct kvt_facts *facts, unsigned who, const char *name)
{
	const struct kvt_fact_def *def = kvt_fact_def_find(name);

	return def != NULL ? kvt_facts_of(facts, who, def) : NULL;
}

const struct kvt_fact *kvt_facts_any(const struct kvt_facts *facts, const char *name)
{
	static const unsigned order[] = { KVT_GUEST, KVT_HOST, KVT_VM };

	for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
		const struct kvt_fact *fact = kvt_facts_get(facts, order[i], name);

		if (fact != NULL)
			return fact;
	}
	return NULL;
}

bool kvt_facts_is(const struct kvt_facts *facts, const char *name, bool fallback)
{
	const struct kvt_fact *fact = kvt_facts_any(facts, name);

	return fact != NULL && fact->state == KVT_KNOWN ? fact->flag : fallback;
}

const char *kvt_facts_text(const struct kvt_facts *facts, const char *name, const char *fallback)
{
	const struct kvt_fact *fact = kvt_facts_any(facts, name);

	return fact != NULL && fact->state == KVT_KNOWN && fact->text != NULL ? fact->text
									      : fallback;
}

bool kvt_facts_has_word(const struct kvt_facts *facts, const char *name, const char *word)
{
	const struct kvt_fact *fact = kvt_facts_any(facts, name);

	return fact != NULL && fact->state == KVT_KNOWN && fact->list != NULL &&
	       g_strv_contains((const char *const *)fact->list, word);
}

static gint by_key(gconstpointer a, gconstpointer b)
{
	const struct kvt_fact *x = *(const struct kvt_fact *const *)a;
	const struct kvt_fact *y = *(const struct kvt_fact *const *)b;
	const guint kx = GPOINTER_TO_UINT(key(x->def, x->subject, x->configured));
	const guint ky = GPOINTER_TO_UINT(key(y->def, y->subject, y->configured));

	return kx < ky ? -1 : kx > ky;
}

/* The order is a cache: it does not change what the set says. */
static const GPtrArray *sorted(const struct kvt_facts *facts)
{
	struct kvt_facts *set = (struct kvt_facts *)(guintptr)facts;
	GHashTableIter iter;
	gpointer fact;

	if (set->sorted == NULL) {
		set->sorted = g_ptr_array_new();
		g_hash_table_iter_init(&iter, set->by_key);
		while (g_hash_table_iter_next(&iter, NULL, &fact))
			g_ptr_array_add(set->sorted, fact);
		g_ptr_array_sort(set->sorted, by_key);
	}
	return set->sorted;
}

guint kvt_facts_count(const struct kvt_facts *facts)
{
	return g_hash_table_size(facts->by_key);
}

const struct kvt_fact *kvt_facts_at(const struct kvt_facts *facts, guint i)
{
	const GPtrArray *all = sorted(facts);

	return i < all->len ? all->pdata[i] : NULL;
}

static gboolean is_stranger(gpointer key_of_fact, gpointer fact, gpointer who)
{
	(void)key_of_fact;
	return (((const struct kvt_fact *)fact)->subject & GPOINTER_TO_UINT(who)) == 0;
}

void kvt_facts_keep(struct kvt_facts *facts, unsigned who)
{
	g_hash_table_foreach_remove(facts->by_key, is_stranger, GUINT_TO_POINTER(who));
	g_clear_pointer(&facts->sorted, g_ptr_array_unref);
}

void kvt_facts_copy_into(struct kvt_facts *to, const struct kvt_facts *from, unsigned who)
{
	for (guint i = 0; i < kvt_facts_count(from); i++) {
		const struct kvt_fact *old = kvt_facts_at(from, i);
		struct kvt_fact *fact;

		if ((old->subject & who) == 0)
			continue;
		fact = put(to, old->def, old->subject, old->configured, old->source);
		fact->state = old->state;
		fact->needs_root = old->needs_root;
		fact->flag = old->flag;
		fact->integer = old->integer;
		fact->real = old->real;
		fact->text = g_strdup(old->text);
		fact->list = g_strdupv(old->list);
	}
}

static char *with_unit(char *number, const char *unit)
{
	char *both = unit[0] != '\0' ? g_strdup_printf("%s %s", number, unit) : g_strdup(number);

	g_free(number);
	return both;
}

char *kvt_fact_value(const struct kvt_fact *fact)
{
	if (fact->state != KVT_KNOWN)
		return g_strdup(fact->state == KVT_ABSENT ? "absent" : "unknown");
	switch (fact->def->type) {
	case KVT_FACT_BOOL:
		return g_strdup(fact->flag ? "yes" : "no");
	case KVT_FACT_INT:
		return with_unit(g_strdup_printf("%" G_GINT64_FORMAT, fact->integer),
				 fact->def->unit);
	case KVT_FACT_REAL:
		return with_unit(g_strdup_printf("%.6g", fact->real), fact->def->unit);
	case KVT_FACT_LIST:
		return fact->list[0] != NULL ? g_strjoinv(" ", fact->list) : g_strdup("none");
	case KVT_FACT_TEXT:
	case KVT_FACT_VERSION:
	default:
		return g_strdup(fact->text);
	}
}

/* The next number in a version, or -1 at its end. */
static gint64 next_number(const char **at)
{
	gint64 number = 0;

	while (**at != '\0' && !g_ascii_isdigit(**at))
		(*at)++;
	if (**at == '\0')
		return -1;
	for (; g_ascii_isdigit(**at); (*at)++)
		if (number < G_MAXINT32)
			number = number * 10 + (**at - '0');
	return number;
}

int kvt_version_compare(const char *a, const char *b)
{
	for (;;) {
		const gint64 x = next_number(&a);
		const gint64 y = next_number(&b);

		if (x < 0 && y < 0)
			return 0;
		if (MAX(x, 0) != MAX(y, 0)) /* 5.1 = 5.1.0 */
			return MAX(x, 0) < MAX(y, 0) ? -1 : 1;
	}
}
