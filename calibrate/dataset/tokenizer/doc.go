// Package tokenizer turns text into the token ids that a model was trained on, as
// the model's own tokenizer.json prescribes.
//
//  1. Load reads a model folder: tokenizer.json for the pipeline, and the small
//     files beside it for the begin and end tokens.
//  2. Encode cuts out added tokens, normalizes the text between them, splits it
//     into words (pre-tokenizer), looks each word up in a cache or else asks the
//     model (BPE, Unigram, WordPiece, WordLevel), and frames the ids
//     (post-processor).
//  3. Decode goes back from ids to text.
//
// Every part of the pipeline is parsed; one that is not known is refused by its
// name, because ids that are nearly right train a model that is quietly wrong.
// Ids equal those of the Python package tokenizers; its truncation and padding
// settings are not followed, since packing rows is the dataset's business.
//
// The split patterns of GPT-2, Llama 3, Qwen 2, GPT-4o and Tekken are scanned by
// hand, about ten times faster than by a general backtracking matcher; other patterns go
// to regexp2, and a test holds the two equal.
package tokenizer
