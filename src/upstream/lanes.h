/*
 * Lanes: curl's multi handles, several of bounded size because curl slows down with many transfers in one, each
 * tied to the loop by curl's socket and timer callbacks. Transfers fill the first lane that has room, so that at low load
 * they all share one pool of connections.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_LANES_H
#define FARTHING_UPSTREAM_LANES_H

#include <curl/curl.h>

#include "upstream/loop.h"

struct lane;
struct lanes;

/* One finished transfer, told outside of all curl calls: its handle may be removed and freed. */
typedef void lanes_on_done(void *context, CURL *easy, CURLcode code);

struct lanes *lanes_new(struct loop *l, lanes_on_done *on_done, void *context);
void lanes_free(struct lanes **l);
/* Starts it on the next turn; NULL when curl refuses */
struct lane *lanes_board(struct lanes *l, CURL *easy);
void lanes_leave(struct lanes *l, struct lane *lane, CURL *easy); /* never inside a curl callback */
void lanes_unpause(struct lanes *l, struct lane *lane, CURL *easy);
/* For CURLOPT_OPENSOCKETFUNCTION and CLOSESOCKETFUNCTION: sockets that curl tells us the birth and the death of. */
curl_socket_t lanes_open_socket(struct lanes *l, struct curl_sockaddr *address);
int lanes_close_socket(struct lanes *l, curl_socket_t fd);

#endif
