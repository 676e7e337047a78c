#pragma once
#include <zlib.h>

// inflateInit2 is a macro, which Swift does not see. Negative: the bare stream, without a header, as it stands in a .zip.
static inline int czlib_begin(z_stream *stream) { return inflateInit2(stream, -15); }
