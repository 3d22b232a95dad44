// Package hub finds a model or dataset by its name on the Hugging Face hub, in the
// cache that all tools share or on the hub itself.
//
//  1. ParseRef reads org/name[@revision].
//  2. Resolve asks the hub which commit the revision is and which files it has,
//     chooses those that are needed (a model's config, tokenizer and safetensors; a
//     dataset's Parquet files of the training split) and downloads what the cache lacks.
//  3. A Snapshot comes out: the folder of that commit and its files.
//
// The cache has the layout of the Hub Local Cache specification, so that models which
// other tools downloaded are found and the other way round. A download is resumed where
// it broke off, checked against the hash that the hub names, and moved into place whole;
// a lock keeps two processes from one file. Pickles are never downloaded.
//
// Read from the environment: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HF_ENDPOINT,
// HF_TOKEN, HF_TOKEN_PATH, HF_HUB_DISABLE_IMPLICIT_TOKEN, HF_HUB_OFFLINE. Nothing but
// the requests for the files themselves is sent.
package hub
