"""One module a data set: from the publisher's files to a listing."""
