/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/xml.h"

#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "sys/error.h"

/* Names seen in hostile files are kept in the parser's dictionary: not for ever. */
#define DICTIONARY_LIMIT 20000

/* What a parser remembers of the document at hand. */
struct state {
	bool doctype;
	unsigned skipped;                /* open elements that are not kept */
	const xmlNode *domain, *devices; /* whose children are chosen */
};

static struct state *state_of(void *parser)
{
	return ((xmlParserCtxt *)parser)->_private;
}

/* A document type is what entity bombs and external entities need; no definition has one. */
static void refuse_doctype(void *parser, const xmlChar *name, const xmlChar *external,
			   const xmlChar *system)
{
	(void)name, (void)external, (void)system;
	state_of(parser)->doctype = true;
	xmlStopParser(parser);
}

static bool is_one_of(const xmlChar *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp((const char *)name, *names) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct state *state, const xmlNode *parent, const xmlChar *name)
{
	static const char *const of_domain[] = { "clock",    "name",        "uuid",     "vcpu",
						 "features", "cpu",         "metadata", "devices",
						 "os",       "commandline", NULL };
	static const char *const of_devices[] = { "channel", NULL };
	static const char *const of_others[] = { "domain", NULL };

	if (parent == NULL)
		return true;
	if (parent == state->domain)
		return is_one_of(name, of_domain);
	if (parent == state->devices)
		return is_one_of(name, of_devices);
	if (parent->parent != NULL && parent->parent->type == XML_DOCUMENT_NODE &&
	    strcmp((const char *)parent->name, "clock") != 0)
		return is_one_of(name, of_others);
	return true;
}

/* <domain> as the document itself, or in <domstatus> or <domainsnapshot>; its <devices>. */
static void note_place(struct state *state, const xmlNode *node)
{
	const xmlNode *parent = node->parent;
	const xmlNode *above =
		parent != NULL && parent->type == XML_ELEMENT_NODE ? parent->parent : NULL;

	if (strcmp((const char *)node->name, "domain") == 0 && state->domain == NULL &&
	    (above == NULL || above->type == XML_DOCUMENT_NODE))
		state->domain = node;
	else if (parent == state->domain && strcmp((const char *)node->name, "devices") == 0)
		state->devices = node;
}

static void start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		  int space_count, const xmlChar **spaces, int count, int defaulted,
		  const xmlChar **attributes)
{
	xmlParserCtxt *parser = data;
	struct state *state = state_of(data);

	if (state->skipped > 0 || !is_wanted(state, parser->node, name)) {
		state->skipped++;
		return;
	}
	xmlSAX2StartElementNs(data, name, prefix, uri, space_count, spaces, count, defaulted,
			      attributes);
	if (parser->node != NULL)
		note_place(state, parser->node);
}

static void end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct state *state = state_of(data);

	if (state->skipped > 0)
		state->skipped--;
	else
		xmlSAX2EndElementNs(data, name, prefix, uri);
}

/* White space between elements is not kept. */
static bool is_layout(const xmlParserCtxt *parser, const xmlChar *text, int length)
{
	const xmlNode *last = parser->node != NULL ? parser->node->last : NULL;
	int i = 0;

	while (i < length && g_ascii_isspace(text[i]))
		i++;
	return i == length && (last == NULL || last->type != XML_TEXT_NODE);
}

static void characters(void *data, const xmlChar *text, int length)
{
	if (state_of(data)->skipped == 0 && !is_layout(data, text, length))
		xmlSAX2Characters(data, text, length);
}

static void prepare(xmlParserCtxt *parser, struct state *state)
{
	xmlSAXHandler *sax = parser->sax;

	sax->internalSubset = refuse_doctype;
	sax->startElementNs = start;
	sax->endElementNs = end;
	sax->characters = characters;
	sax->ignorableWhitespace = characters;
	sax->cdataBlock = characters;
	sax->comment = NULL;
	sax->processingInstruction = NULL;
	sax->reference = NULL;
	parser->_private = state;
}

static xmlParserCtxt *thread_parser(void)
{
	static GPrivate slot = G_PRIVATE_INIT((GDestroyNotify)xmlFreeParserCtxt);
	xmlParserCtxt *parser = g_private_get(&slot);

	if (parser != NULL && xmlDictSize(parser->dict) <= DICTIONARY_LIMIT)
		return parser;
	xmlInitParser(); /* once; more calls do nothing */
	parser = xmlNewParserCtxt();
	if (parser == NULL)
		g_error("out of memory");
	g_private_replace(&slot, parser);
	return parser;
}

static void set_error(GError **error, xmlParserCtxt *parser, const char *file)
{
	const xmlError *last = xmlCtxtGetLastError(parser);
	g_autofree char *text =
		g_strdup(last != NULL && last->message != NULL ? last->message : "not XML");

	if (state_of(parser)->doctype)
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s:%d: a document type declaration: refused, no definition needs one",
			    file, parser->input != NULL ? parser->input->line : 1);
	else
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s:%d: %s", file,
			    last != NULL ? last->line : 1,
			    g_strdelimit(g_strstrip(text), "\n", ' '));
}

xmlDoc *kvt_xml_parse(const char *xml, gsize length, const char *file, GError **error)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			    XML_PARSE_COMPACT | XML_PARSE_BIG_LINES;
	xmlParserCtxt *parser = thread_parser();
	struct state state = { false, 0, NULL, NULL };
	xmlDoc *document;

	if (length > KVT_XML_LIMIT) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: longer than %u MiB: not a definition", file,
			    KVT_XML_LIMIT / 1048576);
		return NULL;
	}
	prepare(parser, &state);
	document = xmlCtxtReadMemory(parser, xml, (int)length, NULL, NULL, options);
	if (document == NULL || state.doctype) {
		set_error(error, parser, file);
		g_clear_pointer(&document, xmlFreeDoc);
	}
	parser->_private = NULL;
	return document;
}
