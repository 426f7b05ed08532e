// SPDX-License-Identifier: GPL-2.0-only
#include "sessions.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void sessions_init(struct sessions *ss)
{
	memset(ss, 0, sizeof(*ss));
	pthread_mutex_init(&ss->lock, NULL);
}

static void drop(struct sessions *ss, unsigned i)
{
	SSL_SESSION_free(ss->kept[i].s);
	free(ss->kept[i].name);
	ss->n--;
	memmove(&ss->kept[i], &ss->kept[i + 1], (ss->n - i) * sizeof(ss->kept[0]));
}

void sessions_forget(struct sessions *ss)
{
	pthread_mutex_lock(&ss->lock);
	while (ss->n)
		drop(ss, ss->n - 1);
	pthread_mutex_unlock(&ss->lock);
}

void sessions_done(struct sessions *ss)
{
	sessions_forget(ss);
	pthread_mutex_destroy(&ss->lock);
}

void sessions_put(struct sessions *ss, const char *name, SSL_SESSION *s)
{
	char *copy = strdup(name);

	if (!copy) {
		SSL_SESSION_free(s);
		return;
	}
	pthread_mutex_lock(&ss->lock);
	if (ss->n == SESSIONS_MAX)
		drop(ss, 0);
	ss->kept[ss->n].s = s;
	ss->kept[ss->n].name = copy;
	ss->n++;
	pthread_mutex_unlock(&ss->lock);
}

static bool is_usable(const SSL_SESSION *s, time_t now)
{
	long age = (long)now - SSL_SESSION_get_time(s);

	return SSL_SESSION_is_resumable(s) && age >= 0 && age < SESSIONS_AGE_S &&
	       age < SSL_SESSION_get_timeout(s);
}

SSL_SESSION *sessions_take(struct sessions *ss, const char *name, time_t now)
{
	SSL_SESSION *found = NULL;

	pthread_mutex_lock(&ss->lock);
	for (unsigned i = ss->n; i-- && !found;) {
		if (!is_usable(ss->kept[i].s, now)) {
			drop(ss, i);
			continue;
		}
		if (strcmp(ss->kept[i].name, name))
			continue;
		found = ss->kept[i].s;
		SSL_SESSION_up_ref(found);
		if (SSL_SESSION_get_protocol_version(found) >= TLS1_3_VERSION)
			drop(ss, i);
	}
	pthread_mutex_unlock(&ss->lock);
	return found;
}
