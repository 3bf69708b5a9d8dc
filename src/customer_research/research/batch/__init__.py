"""Many operators of a file, one report each: resumable, nothing done twice, nothing dropped."""
