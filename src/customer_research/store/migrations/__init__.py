"""The store's migrations, run by `store.database`: one file each, numbered, never changed once released."""
