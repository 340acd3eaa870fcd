;;; emacs-session.el --- Helpers of the tests' sessions  -*- lexical-binding: t; -*-

;;; Commentary:

;; A session notes values with `note' and ends with `report'.  Keys go through
;; the command loop, so keymaps and hooks are the ones of a user.

;;; Code:

(require 'json)

(defvar noted nil "The values of the report.")

(setq eglot-sync-connect 30 eglot-connect-timeout 60 eglot-autoshutdown t
      eglot-confirm-server-initiated-edits nil
      make-backup-files nil create-lockfiles nil)

(defun note (key value)
  "Put VALUE into the report under KEY."
  (push (cons key value) noted))

(defun await (what condition)
  "Run timers and filters until the function CONDITION returns non-nil.
WHAT names the condition in the error that follows 40 seconds later."
  (let ((end (+ (float-time) 40)) value)
    (while (not (setq value (funcall condition)))
      (when (> (float-time) end) (error "Waited in vain for %s" what))
      (accept-process-output nil 0.02))
    value))

(defun keys (text)
  "Type TEXT in the notation of `kbd'; return the seconds that it took."
  (let ((start (float-time)))
    (execute-kbd-macro (kbd text))
    (- (float-time) start)))

(defun open-and-connect ()
  "Visit the file of the test and wait for its server."
  (find-file (getenv "E2E_FILE"))
  (buffer-enable-undo)
  (unless (derived-mode-p 'python-mode) (error "Not a Python buffer"))
  (eglot-ensure)
  (run-hooks 'post-command-hook)
  (await "the server" #'eglot-current-server)
  (goto-char (point-max)))

(defun report ()
  "Close the buffer and print what was noted."
  (set-buffer-modified-p nil)
  (kill-buffer)
  (princ (json-encode noted)))

;;; emacs-session.el ends here
