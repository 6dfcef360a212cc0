#include "files.h"
#include "jobs.h"
#include "responses.h"
static void
none(struct sim_reply *reply)
{
	struct err e;
	err_set(&e, 404, "", "not yet");
	sim_reply_error(reply, &e);
}
void
sim_responses_open(struct sim *s)
{
	(void)s;
}
void
sim_responses_close(struct sim *s)
{
	(void)s;
}
void
sim_responses_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	(void)s;
	(void)r;
	none(reply);
}
void
sim_files_open(struct sim *s)
{
	(void)s;
}
void
sim_files_close(struct sim *s)
{
	(void)s;
}
void
sim_files_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	(void)s;
	(void)r;
	none(reply);
}
void
sim_jobs_open(struct sim *s)
{
	(void)s;
}
void
sim_jobs_close(struct sim *s)
{
	(void)s;
}
void
sim_jobs_tick(struct sim *s)
{
	(void)s;
}
const char *
sim_jobs_model(struct sim *s, size_t i)
{
	(void)s;
	(void)i;
	return NULL;
}
void
sim_tuning_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	(void)s;
	(void)r;
	none(reply);
}
void
sim_batches_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply)
{
	(void)s;
	(void)r;
	none(reply);
}
