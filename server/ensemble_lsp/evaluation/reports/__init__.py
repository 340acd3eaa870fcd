"""Reports as pages: the drawing that the comparison's and the history's reports share."""
