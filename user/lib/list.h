/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * list - intrusive doubly linked ring.  A head is a struct list that points to
 * itself when empty.  Not locked: the owner of the head is the owner of all.
 */
#ifndef LIST_H
#define LIST_H
#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}
#define list_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define list_for_each(it, head) for ((it) = (head)->next; (it) != (head); (it) = (it)->next)
/* <it> may be removed or freed in the body. */
#define list_for_each_safe(it, tmp, head)                             \
	for ((it) = (head)->next, (tmp) = (it)->next; (it) != (head); \
	     (it) = (tmp), (tmp) = (it)->next)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

/* Leaves <item> pointing at itself: removing twice is harmless. */
static inline void list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}
#endif
