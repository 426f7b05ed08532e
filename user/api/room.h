/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * room - connections of the HTTP server: who has not sent a whole request makes room for others.
 *
 * The library closes what is silent for long, but not what comes in drops, and beyond its limit of
 * connections it takes none.  From ROOM_ENOUGH on a new one ends the one that has waited longest
 * for (the rest of) a request.  Any thread.
 */
#ifndef ROOM_H
#define ROOM_H
#include <pthread.h>
#include <stdbool.h>

#include <microhttpd.h>

#include "list.h"

#define ROOM_ENOUGH 48U
#define ROOM_FOLLOWERS 32U

struct room {
	pthread_mutex_t lock;
	struct list waiting; /* struct guest, oldest first */
	unsigned n, n_followers;
};

void room_init(struct room *m);
void room_done(struct room *m); /* after the daemons have stopped */

/* MHD_OPTION_NOTIFY_CONNECTION, with the room. */
void room_on_connection(void *room, struct MHD_Connection *conn, void **guest,
			enum MHD_ConnectionNotificationCode what);
/* A whole request is there: it stays until it is answered. */
void room_begin(struct room *m, struct MHD_Connection *conn);
void room_end(struct room *m, struct MHD_Connection *conn);
/* ... longer than that: until it ends by itself.  False: ROOM_FOLLOWERS do. */
bool room_follow(struct room *m, struct MHD_Connection *conn);
#endif
