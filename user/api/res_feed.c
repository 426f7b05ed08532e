// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_feed - /event_destinations and /event_subscriptions; their fields follow ngrok's.
 */
#include "request.h"
#include "feed.h"
#include "log.h"

static int list(struct request *r, enum feed_kind kind, const char *key, const char *uri)
{
	return request_answer(r, 200,
			      json_pack("{s:o, s:s, s:n}", key, feed_list(r->api->feed, kind),
					"uri", uri, "next_page_uri"));
}

static int get(struct request *r, enum feed_kind kind, const char *what)
{
	json_t *j = feed_get(r->api->feed, kind, r->id);

	return j ? request_answer(r, 200, j)
		 : fault_set(&r->fault, 404, 0, "", "no %s '%.64s'", what, r->id);
}

/* A POST has no id. */
static int put(struct request *r, enum feed_kind kind, const char *what)
{
	const char *id = *r->id ? r->id : NULL;
	char who[64];
	json_t *j;

	if (feed_put(r->api->feed, kind, id, r->in, &j, &r->fault))
		return -1;
	log_info("%s %s: id=%s %s", what, id ? "changed" : "added",
		 json_string_value(json_object_get(j, "id")), request_who(r, who));
	return request_answer(r, id ? 200 : 201, j);
}

static int del(struct request *r, enum feed_kind kind, const char *what)
{
	char who[64];

	if (feed_del(r->api->feed, kind, r->id, &r->fault))
		return -1;
	log_info("%s removed: id=%s %s", what, r->id, request_who(r, who));
	r->status = 204;
	return 0;
}

int destinations_get(struct request *r)
{
	return list(r, FEED_DESTINATION, "event_destinations", "/event_destinations");
}

int destination_get_one(struct request *r)
{
	return get(r, FEED_DESTINATION, "event destination");
}

int destination_put_one(struct request *r)
{
	return put(r, FEED_DESTINATION, "event destination");
}

int destination_delete(struct request *r)
{
	return del(r, FEED_DESTINATION, "event destination");
}

int subscriptions_get(struct request *r)
{
	return list(r, FEED_SUBSCRIPTION, "event_subscriptions", "/event_subscriptions");
}

int subscription_get_one(struct request *r)
{
	return get(r, FEED_SUBSCRIPTION, "event subscription");
}

int subscription_put_one(struct request *r)
{
	return put(r, FEED_SUBSCRIPTION, "event subscription");
}

int subscription_delete(struct request *r)
{
	return del(r, FEED_SUBSCRIPTION, "event subscription");
}
