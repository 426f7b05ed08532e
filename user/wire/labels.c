// SPDX-License-Identifier: GPL-2.0-only
#include "labels.h"

#include <string.h>

#include "field.h"

static bool is_word(const char *text, size_t len, const char *more)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    !strchr(more, c))
			return false;
	}
	return len > 0;
}

int label_check(const char *label, const char *field, struct fault *f)
{
	size_t key = strcspn(label, "="), value;

	if (!label[key])
		return fault_set(f, 400, 0, field, "must be KEY=VALUE, got '%.100s'", label);
	value = strlen(label + key + 1);
	if (key > LABEL_KEY_MAX || !is_word(label, key, "._/-"))
		return fault_set(f, 400, 0, field,
				 "the key of '%.100s' must be 1 to %d of A-Z a-z 0-9 . _ / -",
				 label, LABEL_KEY_MAX);
	if (value > LABEL_VALUE_MAX ||
	    !is_word(label + key + 1, value, "!#$%&()*+-./:;<>?@[]^_{|}~"))
		return fault_set(f, 400, 0, field,
				 "the value of '%.100s' must be 1 to %d printable characters, none "
				 "of them a blank, a comma, a quote or =",
				 label, LABEL_VALUE_MAX);
	return 0;
}

static bool has_key(const char *list, const char *label)
{
	size_t len = strcspn(label, "=") + 1;
	char item[FIELD_ITEM_MAX];

	while ((list = field_item(list, item)))
		if (!strncmp(item, label, len))
			return true;
	return false;
}

int labels_check(const char *list, const char *field, struct fault *f)
{
	char item[FIELD_ITEM_MAX];
	unsigned n = 0;

	while ((list = field_item(list, item))) {
		if (label_check(item, field, f))
			return -1;
		if (++n > LABELS_MAX)
			return fault_set(f, 400, 0, field, "are more than %d", LABELS_MAX);
		if (has_key(list, item))
			return fault_set(f, 400, 0, field, "have '%.*s' twice",
					 (int)strcspn(item, "="), item);
	}
	return n ? 0 : fault_set(f, 400, 0, field, "are missing: KEY=VALUE");
}

static bool has(const char *labels, const char *label)
{
	char item[FIELD_ITEM_MAX];

	while ((labels = field_item(labels, item)))
		if (!strcmp(item, label))
			return true;
	return false;
}

bool labels_have(const char *labels, const char *selector)
{
	char item[FIELD_ITEM_MAX];

	while ((selector = field_item(selector, item)))
		if (!has(labels, item))
			return false;
	return true;
}
