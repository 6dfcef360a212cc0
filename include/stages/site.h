/*
 * A site: a configuration together with the living side of its upstreams. A reload makes a new one; exchanges and asks that
 * began with the old one finish with it. Counted by them; the loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_SITE_H
#define FARTHING_STAGES_SITE_H

#include "core/config.h"
#include "upstream/provider.h"

struct site;

struct site *site_new(struct config *config); /* takes the holder of config; held once */
void site_hold(struct site *s);
void site_drop(struct site **s);

const struct config *site_config(const struct site *s);
/* conf must be one of the site's own */
struct provider *site_provider(struct site *s, const struct upstream_conf *conf);
/* A model that was told to wait (429 with Retry-After): until when, on clock_ms()'s scale. */
int64_t site_rest_until(const struct site *s, const struct model_conf *model);
void site_rest(struct site *s, const struct model_conf *model, int64_t until_ms);

#endif
