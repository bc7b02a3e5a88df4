/* printable.h: which code points Go's strconv prints as they are: letters, marks, numbers, punctuation, symbols and the ASCII space.
 * Source: the general categories L, M, N, P and S of Unicode 15.0, which is what Go has had since 1.21. Thread: any. */
#pragma once

#include "core/base/slice.h"

bool rune_is_printable(uint32_t rune);
