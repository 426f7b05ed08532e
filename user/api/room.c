// SPDX-License-Identifier: GPL-2.0-only
#include "room.h"

#include <stdlib.h>
#include <sys/socket.h>

struct guest {
	struct list link; /* in <waiting>, or in none */
	int fd;
	bool follows;
};

void room_init(struct room *m)
{
	pthread_mutex_init(&m->lock, NULL);
	list_init(&m->waiting);
	m->n = m->n_followers = 0;
}

void room_done(struct room *m)
{
	pthread_mutex_destroy(&m->lock);
}

static struct guest *guest_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

/* Under the lock.  The library sees the end, and closes it. */
static void make_room(struct room *m)
{
	struct guest *g;

	if (m->n < ROOM_ENOUGH || list_empty(&m->waiting))
		return;
	g = list_of(m->waiting.next, struct guest, link);
	list_del(&g->link);
	shutdown(g->fd, SHUT_RDWR);
}

static void arrive(struct room *m, struct MHD_Connection *conn, void **ret_guest)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct guest *g = calloc(1, sizeof(*g));

	pthread_mutex_lock(&m->lock);
	make_room(m);
	m->n++;
	if (g) {
		g->fd = i->connect_fd;
		list_add_tail(&m->waiting, &g->link);
	}
	pthread_mutex_unlock(&m->lock);
	*ret_guest = g;
}

static void leave(struct room *m, struct guest *g)
{
	pthread_mutex_lock(&m->lock);
	m->n--;
	if (g) {
		list_del(&g->link);
		m->n_followers -= g->follows;
	}
	pthread_mutex_unlock(&m->lock);
	free(g);
}

void room_on_connection(void *room, struct MHD_Connection *conn, void **guest,
			enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		arrive(room, conn, guest);
	else
		leave(room, *guest);
}

void room_begin(struct room *m, struct MHD_Connection *conn)
{
	struct guest *g = guest_of(conn);

	pthread_mutex_lock(&m->lock);
	if (g)
		list_del(&g->link);
	pthread_mutex_unlock(&m->lock);
}

void room_end(struct room *m, struct MHD_Connection *conn)
{
	struct guest *g = guest_of(conn);

	pthread_mutex_lock(&m->lock);
	if (g) {
		list_del(&g->link);
		list_add_tail(&m->waiting, &g->link);
	}
	pthread_mutex_unlock(&m->lock);
}

bool room_follow(struct room *m, struct MHD_Connection *conn)
{
	struct guest *g = guest_of(conn);
	bool may;

	pthread_mutex_lock(&m->lock);
	may = g && m->n_followers < ROOM_FOLLOWERS;
	if (may && !g->follows) {
		g->follows = true;
		m->n_followers++;
	}
	pthread_mutex_unlock(&m->lock);
	return may;
}
