#include <FLAC/stream_decoder.h>
#include <FLAC/stream_encoder.h>

// libFLAC exports this for its own program and leaves it out of its header; a library without it computes the checksum.
extern FLAC_API FLAC__bool FLAC__stream_encoder_set_do_md5(FLAC__StreamEncoder *encoder, FLAC__bool value)
    __attribute__((weak));

/// Leaves out the MD5 of the samples, which costs a third of packing speech; a decoder then checks only each frame's CRC.
static inline void cflac_leave_out_md5(FLAC__StreamEncoder *encoder) {
    if (FLAC__stream_encoder_set_do_md5) FLAC__stream_encoder_set_do_md5(encoder, 0);
}
