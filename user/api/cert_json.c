// SPDX-License-Identifier: GPL-2.0-only
#include "cert_json.h"

#include <stdbool.h>

#include "cert_about.h"
#include "stamp.h"

static const struct {
	const char *name;
	bool list;
} names[CERT_ABOUT_MAX] = {
	[CERT_SUBJECT_CN] = {"subject_common_name", false},
	[CERT_SUBJECT_O] = {"subject_organization", false},
	[CERT_SUBJECT_OU] = {"subject_organizational_unit", false},
	[CERT_SUBJECT_L] = {"subject_locality", false},
	[CERT_SUBJECT_ST] = {"subject_province", false},
	[CERT_SUBJECT_C] = {"subject_country", false},
	[CERT_ISSUER_CN] = {"issuer_common_name", false},
	[CERT_SERIAL] = {"serial_number", false},
	[CERT_KEY_TYPE] = {"private_key_type", false},
	[CERT_DNS_NAME] = {"dns_names", true},
	[CERT_IP] = {"ips", true},
	[CERT_KEY_USAGE] = {"key_usages", true},
	[CERT_EXT_KEY_USAGE] = {"extended_key_usages", true},
};

/* ngrok has the names in an object of their own. */
static json_t *holder(json_t *cert, enum cert_about_field field)
{
	if (field == CERT_DNS_NAME || field == CERT_IP)
		return json_object_get(cert, "subject_alternative_names");
	return cert;
}

static void take_field(void *arg, enum cert_about_field field, const char *value)
{
	json_t *j = holder(arg, field);

	if (names[field].list)
		json_array_append_new(json_object_get(j, names[field].name), json_string(value));
	else
		json_object_set_new(j, names[field].name, json_string(value));
}

json_t *cert_json_time(time_t t)
{
	const struct timespec ts = {.tv_sec = t};
	char text[STAMP_TEXT_MAX];

	return json_string(stamp_text(&ts, text));
}

void cert_json_add(json_t *j, const char *pem)
{
	time_t before = 0, after = 0;
	struct fault f;

	json_object_set_new(j, "key_usages", json_array());
	json_object_set_new(j, "extended_key_usages", json_array());
	/* (what was good when it was added cannot be read now: so be it) */
	if (cert_about(pem, take_field, j, &before, &after, &f))
		return;
	json_object_set_new(j, "not_before", cert_json_time(before));
	json_object_set_new(j, "not_after", cert_json_time(after));
}
