/* label_view.h: a row's labels as a template reads them. Internal to core/pipeline. Thread: one at a time. */
#pragma once

#include "core/pipeline/step.h"
#include "core/template/template.h"

struct label_view {
    struct row *row;
    const struct row_label *all; /* NULL until at() or a freeze asks for them */
    uint32_t count;
    bool is_frozen;
};

/* The template's face of the view; both must stay where they are while it runs. */
struct template_labels label_view_labels(struct label_view *view);

/* From here on the view shows the labels as they are now. */
void label_view_freeze(struct label_view *view);
