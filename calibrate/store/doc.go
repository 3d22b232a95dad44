// Package store keeps runs on disk, one folder a run:
//
//	DIR/runs/01JD.../run.json       the evidence, replaced as a whole after each segment
//		                 header.json    the same without its curves, for listing
//		                 spec.json      what was asked for; resume starts from it
//		                 events.jsonl   all that happened, one event a line
//		                 pack.safetensors, checkpoints/..., reports
//		                 lock           held while a calibration writes
//
//	 1. Create makes a folder with a fresh ID, locked; Folder finds one by ID.
//	 2. Save writes to a temporary file, syncs it and renames it, so that a reader and
//	    the next start see the old run or the new one and nothing between.
//	 3. List reads headers, newest first, and names the folders that it cannot read.
//
// IDs are ULIDs made to grow even when the clock goes back, so their order is the
// order of creation. The lock is the kernel's and ends with its process; a run that
// says it is running while nobody holds its lock was interrupted.
package store
