;;; ensemble-lsp-client.el --- Connection of ensemble-lsp to Eglot  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; The server's class for Eglot, requests that do not wait, and the state of a
;; suggestion on the screen.  Users load `ensemble-lsp'.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'seq)

;;;; Requests

(defclass ensemble-lsp-server (eglot-lsp-server) ()
  :documentation "A connection to ensemble-lsp that announces inline completion.")

(cl-defmethod eglot-client-capabilities ((_server ensemble-lsp-server))
  "Return Eglot's capabilities and the ones of this package."
  (let ((capabilities (cl-call-next-method)))
    (plist-put capabilities :textDocument
               (append '(:inlineCompletion (:dynamicRegistration :json-false))
                       (plist-get capabilities :textDocument)))))

(defun ensemble-lsp--server ()
  "Return the ensemble-lsp of the current buffer, or nil."
  (let ((server (eglot-current-server)))
    (and server (object-of-class-p server 'ensemble-lsp-server) server)))

(defun ensemble-lsp--server-or-lose ()
  "Return the ensemble-lsp of the current buffer, or signal an error."
  (or (ensemble-lsp--server)
      (user-error "This buffer has no ensemble-lsp; try `M-x eglot'")))

(defun ensemble-lsp--report (error)
  "Show the message of a request's ERROR."
  (message "ensemble-lsp: %s" (plist-get error :message)))

(defun ensemble-lsp--request (server method params on-result &optional on-error)
  "Send METHOD with PARAMS to SERVER and return without waiting.
Call ON-RESULT with the result, or ON-ERROR with the error, in the
buffer that is current now."
  (let* ((buffer (current-buffer))
         (here (lambda (function)
                 (lambda (&optional value)
                   (when (buffer-live-p buffer)
                     (with-current-buffer buffer (funcall function value)))))))
    (jsonrpc-async-request server method params
                           :success-fn (funcall here on-result)
                           :error-fn (funcall here (or on-error #'ensemble-lsp--report))
                           :timeout-fn #'ignore
                           :timeout 300)))

(defun ensemble-lsp--execute (server command arguments &optional on-result)
  "Run COMMAND of SERVER with the vector ARGUMENTS without waiting.
Call ON-RESULT with the result."
  (ensemble-lsp--request server :workspace/executeCommand
                         (list :command (format "%s" command) :arguments arguments)
                         (or on-result #'ignore)))

(with-suppressed-warnings ((obsolete eglot-execute-command))
  (cl-defmethod eglot-execute-command ((server ensemble-lsp-server) command arguments)
    "Run COMMAND of SERVER with ARGUMENTS; unlike Eglot's own method, do not wait."
    (ensemble-lsp--execute server command arguments)))

;; The method of newer versions of Eglot.
(cl-defmethod eglot-execute ((server ensemble-lsp-server) action)
  "Run ACTION of SERVER; unlike Eglot's own method, do not wait for a model."
  (cond ((stringp (plist-get action :command))
         (ensemble-lsp--execute server (plist-get action :command)
                                (plist-get action :arguments)))
        ((and (plist-get action :data)
              (not (plist-get action :edit)) (not (plist-get action :command)))
         (ensemble-lsp--request
          server :codeAction/resolve action
          (lambda (resolved)
            (when (or (plist-get resolved :edit) (plist-get resolved :command))
              (eglot-execute server resolved)))))
        (t (cl-call-next-method))))

;;;; The suggestion on the screen

(cl-defstruct (ensemble-lsp--shown (:copier nil))
  "Suggestions of which one is on the screen.
START and END mark the text that the suggestion replaces."
  items index start end overlays)

(defvar-local ensemble-lsp--ghost nil "The ghost text that is shown.")
(defvar-local ensemble-lsp--edit nil "The next edit that is shown.")
(defvar-local ensemble-lsp--last-id nil "The id of the suggestion shown last.")

(defun ensemble-lsp--item (shown)
  "Return the item of SHOWN that is on the screen."
  (nth (ensemble-lsp--shown-index shown) (ensemble-lsp--shown-items shown)))

(defun ensemble-lsp--id (shown)
  "Return the id of the suggestion of SHOWN."
  (let ((command (plist-get (ensemble-lsp--item shown) :command)))
    (plist-get (seq-first (plist-get command :arguments)) :id)))

(defun ensemble-lsp--run-command (shown)
  "Run the command of the item of SHOWN, by which the server records the accept."
  (let ((command (plist-get (ensemble-lsp--item shown) :command)))
    ;; The server must know the text before it learns of the accept.
    (eglot--signal-textDocument/didChange)
    (ensemble-lsp--execute (ensemble-lsp--server-or-lose)
                           (plist-get command :command) (plist-get command :arguments))))

(defun ensemble-lsp--notify (method shown &rest params)
  "Send the notification METHOD about SHOWN with PARAMS."
  (when-let ((server (ensemble-lsp--server)))
    (jsonrpc-notify server method (append (list :id (ensemble-lsp--id shown)) params))))

(defun ensemble-lsp--hide ()
  "Remove the ghost text or the next edit from the screen."
  (dolist (shown (list ensemble-lsp--ghost ensemble-lsp--edit))
    (when shown
      (mapc #'delete-overlay (ensemble-lsp--shown-overlays shown))
      (set-marker (ensemble-lsp--shown-start shown) nil)
      (set-marker (ensemble-lsp--shown-end shown) nil)))
  (setq ensemble-lsp--ghost nil ensemble-lsp--edit nil))

(defun ensemble-lsp--make-shown (items index)
  "Return ITEMS as a suggestion of which the item at INDEX is shown."
  (let* ((range (plist-get (nth index items) :range))
         (start (eglot--lsp-position-to-point (plist-get range :start)))
         (end (eglot--lsp-position-to-point (plist-get range :end))))
    (make-ensemble-lsp--shown :items items :index index
                              :start (copy-marker start) :end (copy-marker end t))))

(provide 'ensemble-lsp-client)
;;; ensemble-lsp-client.el ends here
