#include "CSherpaONNX.h"

#if !__has_include(<sherpa-onnx/c-api/c-api.h>)
#error "The header of sherpa-onnx is missing: run packaging/fetch-engine.sh first, or make build, which does."
#endif

#include <dlfcn.h>
#include <sherpa-onnx/c-api/c-api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// packaging/fetch-engine.sh gets the header in this version; it does not say it itself.
const char *const csherpa_version = "2.0.1";

// The functions that are used. Each stands in a csherpa_library with its own type.
#define FUNCTIONS(each)                              \
    each(SherpaOnnxGetVersionStr)                    \
    each(SherpaOnnxCreateOfflineRecognizer)          \
    each(SherpaOnnxDestroyOfflineRecognizer)         \
    each(SherpaOnnxCreateOfflineStream)              \
    each(SherpaOnnxDestroyOfflineStream)             \
    each(SherpaOnnxAcceptWaveformOffline)            \
    each(SherpaOnnxDecodeOfflineStream)              \
    each(SherpaOnnxGetOfflineStreamResult)           \
    each(SherpaOnnxDestroyOfflineRecognizerResult)   \
    each(SherpaOnnxCreateVoiceActivityDetector)      \
    each(SherpaOnnxDestroyVoiceActivityDetector)     \
    each(SherpaOnnxVoiceActivityDetectorAcceptWaveform) \
    each(SherpaOnnxVoiceActivityDetectorEmpty)       \
    each(SherpaOnnxVoiceActivityDetectorFront)       \
    each(SherpaOnnxDestroySpeechSegment)             \
    each(SherpaOnnxVoiceActivityDetectorPop)         \
    each(SherpaOnnxVoiceActivityDetectorReset)       \
    each(SherpaOnnxVoiceActivityDetectorFlush)

struct csherpa_library {
#define MEMBER(name) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
};

struct csherpa_recognizer {
    const csherpa_library *library;
    const SherpaOnnxOfflineRecognizer *handle;
};

struct csherpa_detector {
    const csherpa_library *library;
    const SherpaOnnxVoiceActivityDetector *handle;
};

const csherpa_library *csherpa_open(const char *path, char *error, size_t error_bytes) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(error, error_bytes, "%s", dlerror());
        return NULL;
    }
    csherpa_library *library = calloc(1, sizeof *library);
    if (!library) {
        snprintf(error, error_bytes, "no memory");
        return NULL;
    }
#define LOAD(name)                                                        \
    *(void **)&library->name = dlsym(handle, #name);                      \
    if (!library->name) {                                                 \
        snprintf(error, error_bytes, "%s has no function %s", path, #name); \
        free(library);                                                    \
        return NULL;                                                      \
    }
    FUNCTIONS(LOAD)
    const char *found = library->SherpaOnnxGetVersionStr();
    if (strcmp(found, csherpa_version) != 0) {
        snprintf(error, error_bytes, "%s is version %s, not %s", path, found, csherpa_version);
        free(library);
        return NULL;
    }
    return library;
}

static void configure(SherpaOnnxOfflineModelConfig *config, const csherpa_model *model) {
    const char *language = model->language ? model->language : "";
    config->tokens = model->tokens;
    config->num_threads = 1;
    config->provider = "cpu";
    switch (model->family) {
    case CSHERPA_MOONSHINE:
        config->moonshine.encoder = model->encoder;
        config->moonshine.merged_decoder = model->decoder;
        break;
    case CSHERPA_MOONSHINE_V1:
        config->moonshine.preprocessor = model->model;
        config->moonshine.encoder = model->encoder;
        config->moonshine.uncached_decoder = model->joiner;
        config->moonshine.cached_decoder = model->decoder;
        break;
    case CSHERPA_WHISPER:
        config->whisper.encoder = model->encoder;
        config->whisper.decoder = model->decoder;
        config->whisper.language = language;
        config->whisper.task = "transcribe";
        config->whisper.tail_paddings = -1;
        config->whisper.enable_segment_timestamps = 1;
        break;
    case CSHERPA_NEMO_TRANSDUCER:
    case CSHERPA_TRANSDUCER:
        config->transducer.encoder = model->encoder;
        config->transducer.decoder = model->decoder;
        config->transducer.joiner = model->joiner;
        config->model_type = model->family == CSHERPA_NEMO_TRANSDUCER ? "nemo_transducer" : "transducer";
        break;
    case CSHERPA_NEMO_CTC: config->nemo_ctc.model = model->model; break;
    case CSHERPA_ZIPFORMER_CTC: config->zipformer_ctc.model = model->model; break;
    case CSHERPA_SENSE_VOICE:
        config->sense_voice.model = model->model;
        config->sense_voice.language = model->language ? language : "auto";
        config->sense_voice.use_itn = 1;
        break;
    case CSHERPA_CANARY:
        config->canary.encoder = model->encoder;
        config->canary.decoder = model->decoder;
        config->canary.src_lang = model->language ? language : "en";
        config->canary.tgt_lang = config->canary.src_lang;
        config->canary.use_pnc = 1;
        break;
    }
}

csherpa_recognizer *csherpa_recognizer_open(const csherpa_library *library, const csherpa_model *model) {
    SherpaOnnxOfflineRecognizerConfig config;
    memset(&config, 0, sizeof config);
    config.feat_config.sample_rate = 16000;
    config.feat_config.feature_dim = 80;
    config.decoding_method = "greedy_search";
    configure(&config.model_config, model);
    csherpa_recognizer *recognizer = malloc(sizeof *recognizer);
    if (!recognizer) return NULL;
    recognizer->library = library;
    recognizer->handle = library->SherpaOnnxCreateOfflineRecognizer(&config);
    if (recognizer->handle) return recognizer;
    free(recognizer);
    return NULL;
}

void csherpa_recognizer_close(csherpa_recognizer *recognizer) {
    if (!recognizer) return;
    recognizer->library->SherpaOnnxDestroyOfflineRecognizer(recognizer->handle);
    free(recognizer);
}

int csherpa_decode(csherpa_recognizer *recognizer, const float *samples, int32_t count, csherpa_result *result) {
    const csherpa_library *library = recognizer->library;
    memset(result, 0, sizeof *result);
    const SherpaOnnxOfflineStream *stream = library->SherpaOnnxCreateOfflineStream(recognizer->handle);
    if (!stream) return -1;
    library->SherpaOnnxAcceptWaveformOffline(stream, 16000, samples, count);
    library->SherpaOnnxDecodeOfflineStream(recognizer->handle, stream);
    const SherpaOnnxOfflineRecognizerResult *found = library->SherpaOnnxGetOfflineStreamResult(stream);
    library->SherpaOnnxDestroyOfflineStream(stream);
    if (!found) return -1;
    result->text = found->text ? found->text : "";
    result->language = found->lang && found->lang[0] ? found->lang : NULL;
    result->token_count = found->count;
    result->tokens = found->tokens_arr;
    result->times = found->timestamps;
    result->owner = (void *)found;
    return 0;
}

void csherpa_result_close(csherpa_recognizer *recognizer, csherpa_result *result) {
    if (result->owner) recognizer->library->SherpaOnnxDestroyOfflineRecognizerResult(result->owner);
    memset(result, 0, sizeof *result);
}

// Silero's usual settings, but for the pause between two stretches: words are placed in time by the pauses between them,
// and with 0.08 s their starts are off by 0.19 s in the mean, with the usual 0.25 s by 0.20 s (20 minutes of read speech).
static const float threshold = 0.5f, least_silence = 0.08f, least_speech = 0.1f;
static const int32_t window = 512;
// Longer than any piece, in seconds: a stretch is never cut for its length.
static const float longest = 60;

csherpa_detector *csherpa_detector_open(const csherpa_library *library, const char *model) {
    SherpaOnnxVadModelConfig config;
    memset(&config, 0, sizeof config);
    config.silero_vad.model = model;
    config.silero_vad.threshold = threshold;
    config.silero_vad.min_silence_duration = least_silence;
    config.silero_vad.min_speech_duration = least_speech;
    config.silero_vad.max_speech_duration = longest;
    config.silero_vad.window_size = window;
    config.sample_rate = 16000;
    config.num_threads = 1;
    config.provider = "cpu";
    csherpa_detector *detector = malloc(sizeof *detector);
    if (!detector) return NULL;
    detector->library = library;
    detector->handle = library->SherpaOnnxCreateVoiceActivityDetector(&config, longest);
    if (detector->handle) return detector;
    free(detector);
    return NULL;
}

void csherpa_detector_close(csherpa_detector *detector) {
    if (!detector) return;
    detector->library->SherpaOnnxDestroyVoiceActivityDetector(detector->handle);
    free(detector);
}

void csherpa_detect(
    csherpa_detector *detector, const float *samples, int32_t count,
    void (*found)(void *context, int64_t start, int64_t count), void *context) {
    const csherpa_library *library = detector->library;
    library->SherpaOnnxVoiceActivityDetectorReset(detector->handle);
    for (int32_t at = 0; at + window <= count; at += window)
        library->SherpaOnnxVoiceActivityDetectorAcceptWaveform(detector->handle, samples + at, window);
    library->SherpaOnnxVoiceActivityDetectorFlush(detector->handle);
    while (!library->SherpaOnnxVoiceActivityDetectorEmpty(detector->handle)) {
        const SherpaOnnxSpeechSegment *segment = library->SherpaOnnxVoiceActivityDetectorFront(detector->handle);
        if (segment) {
            found(context, segment->start, segment->n);
            library->SherpaOnnxDestroySpeechSegment(segment);
        }
        library->SherpaOnnxVoiceActivityDetectorPop(detector->handle);
    }
}
