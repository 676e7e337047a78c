// PocketSphinx 0.8 behind a few functions of our own. Its headers define TRUE, int32 and variadic functions, which
// Swift must not see; here a decoder is an opaque handle.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// A decoder with its model. One thread at a time may use it; several of them run in parallel.
typedef struct cps_decoder cps_decoder;

typedef struct {
    /// Folder of the acoustic model.
    const char *acoustic_model;
    /// File of the language model.
    const char *language_model;
    /// File of the pronunciation dictionary.
    const char *dictionary;
    /// Hypotheses followed in a frame (-maxhmmpf) and words ending in a frame (-maxwpf): speed against accuracy.
    int max_hypotheses;
    int max_words;
    /// Weight of the language model in the first pass (-lw).
    double language_weight;
} cps_settings;

/// Called for every word of an utterance, in order, fillers (`<sil>`, `[NOISE]`) included. `word` is valid during the
/// call only. Frames are 10 ms, counted from the start of the utterance; `last_frame` is inclusive.
typedef void (*cps_word_callback)(
    void *context, const char *word, int first_frame, int last_frame, double probability);

/// Loads a model: half a second and 93 MB. NULL when it cannot be loaded. The library's messages go nowhere.
cps_decoder *cps_open(const cps_settings *settings);
void cps_close(cps_decoder *decoder);

/// Decodes 16 kHz mono samples as one utterance. The result depends on the samples alone, not on what the decoder heard
/// before. 0, or -1 when the decoder refuses.
int cps_decode(
    cps_decoder *decoder, const int16_t *samples, size_t count, cps_word_callback callback, void *context);
