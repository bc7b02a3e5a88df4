#include "core/pipeline/label_view.h"

static bool find_in_all(const struct label_view *view, struct slice name, struct slice *value)
{
    for (uint32_t i = 0; i < view->count; i++) {
        if (slice_eq(view->all[i].name, name)) {
            *value = view->all[i].value;
            return true;
        }
    }
    return false;
}

static bool get(const void *self, struct slice name, struct slice *value)
{
    const struct label_view *view = self;
    if (view->is_frozen)
        return find_in_all(view, name, value);
    const struct row_labels *labels = &view->row->labels;
    if (labels->error.len > 0 && slice_eq(name, ERROR_LABEL)) {
        *value = labels->error;
        return true;
    }
    if (labels->error_details.len > 0 && slice_eq(name, ERROR_DETAILS_LABEL)) {
        *value = labels->error_details;
        return true;
    }
    return row_labels_get(labels, name, value);
}

static bool at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    struct label_view *view = (struct label_view *)self; // its cache: the template sees it const
    if (view->all == NULL)
        view->count = row_labels_all(&view->row->labels, view->row->arena, &view->all);
    if (i >= view->count)
        return false;
    *name = view->all[i].name;
    *value = view->all[i].value;
    return true;
}

struct template_labels label_view_labels(struct label_view *view)
{
    return (struct template_labels){.self = view,
                                    .get = get,
                                    .at = at,
                                    .line = view->row->line,
                                    .ts_ns = view->row->ts_ns,
                                    .now_ns = view->row->now_ns};
}

void label_view_freeze(struct label_view *view)
{
    view->count = row_labels_all(&view->row->labels, view->row->arena, &view->all);
    view->is_frozen = true;
}
