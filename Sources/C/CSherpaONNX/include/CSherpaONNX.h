// The part of sherpa-onnx's C API that the offline engine uses. The library is opened at run time, in the recognizer
// process only: linked, it would cost every start of the program 2.4 ms and 11 MB.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The version whose header this was compiled with; the structures of another may be laid out differently.
extern const char *const csherpa_version;

typedef struct csherpa_library csherpa_library;
typedef struct csherpa_recognizer csherpa_recognizer;
typedef struct csherpa_detector csherpa_detector;

/// Opens libsherpa-onnx-c-api.so for good. NULL when it cannot be opened, lacks a function or is of another version than
/// csherpa_version: `error` then has the reason in words.
const csherpa_library *csherpa_open(const char *path, char *error, size_t error_bytes);

/// How a model's files are put together; the names are sherpa-onnx's.
typedef enum {
    CSHERPA_MOONSHINE,
    CSHERPA_MOONSHINE_V1,
    CSHERPA_WHISPER,
    CSHERPA_NEMO_TRANSDUCER,
    CSHERPA_TRANSDUCER,
    CSHERPA_NEMO_CTC,
    CSHERPA_ZIPFORMER_CTC,
    CSHERPA_SENSE_VOICE,
    CSHERPA_CANARY,
} csherpa_family;

/// A model's files, NULL or absolute paths, and its options.
typedef struct {
    csherpa_family family;
    const char *encoder;
    /// Moonshine: the merged decoder; version 1: the cached one.
    const char *decoder;
    /// Transducers: the joiner; Moonshine version 1: the uncached decoder.
    const char *joiner;
    /// Families of one file; Moonshine version 1: the preprocessor.
    const char *model;
    const char *tokens;
    /// Of the speech, for families that are told it; NULL: they find out, where they can.
    const char *language;
} csherpa_model;

/// Loads a model, for decoding with one thread a stream. NULL where the library refuses it; some bad models make it end
/// the process instead.
csherpa_recognizer *csherpa_recognizer_open(const csherpa_library *library, const csherpa_model *model);
void csherpa_recognizer_close(csherpa_recognizer *recognizer);

/// What was heard in one piece. The pointers belong to the result.
typedef struct {
    const char *text;
    /// NULL where the family does not tell one.
    const char *language;
    int32_t token_count;
    /// token_count texts, or NULL.
    const char *const *tokens;
    /// token_count starts in seconds from the piece's first sample, or NULL.
    const float *times;
    void *owner;
} csherpa_result;

/// Decodes samples at 16 kHz, full scale 1. Several threads may do so at once with one recognizer, except for Whisper and
/// Canary. 0, or -1 when the library gives nothing back.
int csherpa_decode(csherpa_recognizer *recognizer, const float *samples, int32_t count, csherpa_result *result);
void csherpa_result_close(csherpa_recognizer *recognizer, csherpa_result *result);

/// A voice detector (Silero); for one thread at a time.
csherpa_detector *csherpa_detector_open(const csherpa_library *library, const char *model);
void csherpa_detector_close(csherpa_detector *detector);

/// Calls back with the first sample and the number of samples of each stretch of speech, in order. What was detected
/// before has no influence.
void csherpa_detect(
    csherpa_detector *detector, const float *samples, int32_t count,
    void (*found)(void *context, int64_t start, int64_t count), void *context);
