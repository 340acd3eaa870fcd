;;; ensemble-lsp.el --- Ghost text and next edits from several AI models  -*- lexical-binding: t; -*-

;; Author: The authors of ensemble-lsp
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1") (eglot "1.9"))
;; Keywords: convenience, languages
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; ensemble-lsp is a language server that brings several AI models into any
;; editor.  Eglot alone shows its completions, explanations and code actions.
;; This package adds ghost text, which you accept whole, by word or by line,
;; and the next edit.
;;
;;   (require 'ensemble-lsp)
;;   (add-to-list 'eglot-server-programs
;;                '((python-mode python-ts-mode)
;;                  . (ensemble-lsp-server "ensemble-lsp")))
;;   (add-hook 'eglot-managed-mode-hook #'ensemble-lsp-enable)
;;
;; The package binds no keys, except in `ensemble-lsp-ghost-map' and
;; `ensemble-lsp-edit-map', which are active only while a suggestion is shown.

;;; Code:

(require 'ensemble-lsp-client)
(require 'eglot)
(require 'seq)
(require 'subr-x)

(defvar ensemble-lsp-mode)

(defgroup ensemble-lsp nil
  "Suggestions from several AI models."
  :group 'eglot
  :prefix "ensemble-lsp-")

(defcustom ensemble-lsp-automatic t
  "Whether suggestions appear as you type.
If nil, they appear when you run `ensemble-lsp-complete'."
  :type 'boolean)

(defcustom ensemble-lsp-delay 0.05
  "Delay in seconds between a change and the request for a suggestion.
The server itself waits for the setting `complete.debounceMs'."
  :type 'number)

(defface ensemble-lsp-ghost '((t :inherit shadow))
  "Face of ghost text.")

(defface ensemble-lsp-removed '((t :inherit diff-removed))
  "Face of text that the next edit removes.")

(defface ensemble-lsp-added '((t :inherit diff-added))
  "Face of text that the next edit adds.")

(defvar ensemble-lsp-ghost-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'ensemble-lsp-accept)
    (define-key map [tab] #'ensemble-lsp-accept)
    (define-key map [remap forward-word] #'ensemble-lsp-accept-word)
    (define-key map [remap right-word] #'ensemble-lsp-accept-word)
    (define-key map (kbd "M-<down>") #'ensemble-lsp-accept-line)
    (define-key map (kbd "M-n") #'ensemble-lsp-next)
    (define-key map (kbd "M-p") #'ensemble-lsp-previous)
    (define-key map [remap keyboard-quit] #'ensemble-lsp-dismiss)
    map)
  "Keymap that is active while ghost text is shown.")

(defvar ensemble-lsp-edit-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'ensemble-lsp-next-edit)
    (define-key map [tab] #'ensemble-lsp-next-edit)
    (define-key map [remap keyboard-quit] #'ensemble-lsp-dismiss)
    map)
  "Keymap that is active while a next edit is shown.")

(defvar-local ensemble-lsp--tick nil "The buffer's tick after the last command.")
(defvar-local ensemble-lsp--point nil "The position of point after the last command.")
(defvar-local ensemble-lsp--timer nil "The timer of the next automatic request.")

;; Below the keymaps of snippets and completion menus, which therefore come first.
(add-to-list 'minor-mode-map-alist (cons 'ensemble-lsp--ghost ensemble-lsp-ghost-map))
(add-to-list 'minor-mode-map-alist (cons 'ensemble-lsp--edit ensemble-lsp-edit-map))

;;;; Ghost text

(defun ensemble-lsp--contained (behind text)
  "Return how many characters at the start of BEHIND are in TEXT in this order."
  (let ((from 0) (count 0))
    (catch 'end
      (seq-doseq (character behind)
        (let ((found (seq-position (substring text from) character)))
          (unless found (throw 'end nil))
          (setq from (+ from found 1) count (1+ count)))))
    count))

(defun ensemble-lsp--parts (ghost)
  "Return the text of GHOST before point and the rest as a cons cell.
Return nil if the buffer differs from the text."
  (let ((text (plist-get (ensemble-lsp--item ghost) :insertText))
        (start (ensemble-lsp--shown-start ghost))
        (end (ensemble-lsp--shown-end ghost)))
    (when (<= start (point) end)
      (let* ((done (buffer-substring-no-properties start (point)))
             (behind (buffer-substring-no-properties (point) end))
             (rest (and (string-prefix-p done text) (substring text (length done)))))
        (and rest
             (not (string-empty-p rest))
             (= (ensemble-lsp--contained behind rest) (length behind))
             (cons done rest))))))

(defun ensemble-lsp--draw (ghost rest)
  "Show REST, the text of GHOST that the buffer does not have yet."
  (let* ((text (propertize rest 'face 'ensemble-lsp-ghost))
         (end (max (marker-position (ensemble-lsp--shown-end ghost))
                   ;; Inside a line Emacs draws the cursor before the text only if the
                   ;; text replaces a character: the next one, which is shown again.
                   (min (1+ (point)) (line-end-position))))
         (again (buffer-substring (ensemble-lsp--shown-end ghost) end))
         (overlay (make-overlay (point) end)))
    ;; Without this property the cursor is drawn behind the text.
    (put-text-property 0 1 'cursor t text)
    (overlay-put overlay (if (= (point) end) 'after-string 'display) (concat text again))
    (overlay-put overlay 'priority 100)
    (mapc #'delete-overlay (ensemble-lsp--shown-overlays ghost))
    (setf (ensemble-lsp--shown-overlays ghost) (list overlay))))

(defun ensemble-lsp--keep-ghost ()
  "Return whether the ghost text still fits, and draw the rest of it."
  (when-let ((ghost ensemble-lsp--ghost)
             (parts (ensemble-lsp--parts ghost)))
    (ensemble-lsp--draw ghost (cdr parts))
    t))

(defun ensemble-lsp--show (items index)
  "Show the item of ITEMS at INDEX as ghost text at point."
  (ensemble-lsp--hide)
  (setq ensemble-lsp--ghost (ensemble-lsp--make-shown items index))
  (if (not (ensemble-lsp--keep-ghost))
      (ensemble-lsp--hide)
    (setq ensemble-lsp--last-id (ensemble-lsp--id ensemble-lsp--ghost))
    (ensemble-lsp--notify :ensemble/didShow ensemble-lsp--ghost)))

(defun ensemble-lsp--ask (kind on-items)
  "Ask for suggestions at point and call ON-ITEMS with the list of them.
KIND is the trigger kind: 1 for a request of the user, 2 for an
automatic one.  A result for another text or position is dropped."
  (let ((tick (buffer-chars-modified-tick)) (point (point)))
    (eglot--signal-textDocument/didChange)
    (ensemble-lsp--request
     (ensemble-lsp--server-or-lose) :textDocument/inlineCompletion
     (append (eglot--TextDocumentPositionParams) (list :context (list :triggerKind kind)))
     (lambda (result)
       (when (and ensemble-lsp-mode (= tick (buffer-chars-modified-tick)) (= point (point)))
         (funcall on-items (append (plist-get result :items) nil))))
     (and (= kind 2) #'ignore))))

(defun ensemble-lsp--ask-automatically (buffer tick)
  "Ask for a suggestion in BUFFER if its text is still the one of TICK."
  (when (and (eq buffer (window-buffer))
             (= tick (buffer-chars-modified-tick buffer)))
    (with-current-buffer buffer
      (when (and ensemble-lsp-mode (ensemble-lsp--server))
        (ensemble-lsp--ask 2 (lambda (items) (when items (ensemble-lsp--show items 0))))))))

(defun ensemble-lsp--post-command ()
  "Follow a command: keep, move or hide the suggestion, and ask for the next one."
  (let ((tick (buffer-chars-modified-tick)))
    (cond ((not (eq tick ensemble-lsp--tick))
           (setq ensemble-lsp--tick tick)
           (unless (ensemble-lsp--keep-ghost)
             (ensemble-lsp--hide)
             (ensemble-lsp--schedule tick)))
          ((and ensemble-lsp--ghost (not (eq (point) ensemble-lsp--point)))
           (ensemble-lsp--notify :ensemble/didEnd ensemble-lsp--ghost :reason "ignored")
           (ensemble-lsp--hide)))
    (setq ensemble-lsp--point (point))))

(defun ensemble-lsp--schedule (tick)
  "Ask for a suggestion soon, for the text of TICK."
  (when ensemble-lsp--timer
    (cancel-timer ensemble-lsp--timer))
  (setq ensemble-lsp--timer
        (and ensemble-lsp-automatic
             (not buffer-read-only)
             (not (memq this-command '(undo undo-only undo-redo)))
             (run-with-timer ensemble-lsp-delay nil #'ensemble-lsp--ask-automatically
                             (current-buffer) tick))))

(defun ensemble-lsp--insert (part ghost whole)
  "Insert PART of GHOST at point as one step of undo.
It replaces the text behind point that it contains, or, if WHOLE is
non-nil, all of the range."
  (let* ((end (ensemble-lsp--shown-end ghost))
         (behind (buffer-substring-no-properties (point) end))
         (count (if whole (length behind) (ensemble-lsp--contained behind part))))
    (undo-boundary)
    (delete-region (point) (+ (point) count))
    (insert part)
    (undo-boundary)))

(defun ensemble-lsp--accept (part-of)
  "Accept a part of the ghost text: the result of the function PART-OF.
PART-OF gets the text that is not in the buffer yet."
  (let* ((ghost (or ensemble-lsp--ghost (user-error "There is no suggestion")))
         (parts (or (ensemble-lsp--parts ghost)
                    (progn (ensemble-lsp--hide) (user-error "The text has changed"))))
         (part (funcall part-of (cdr parts)))
         (whole (string= part (cdr parts))))
    (ensemble-lsp--insert part ghost whole)
    (if whole
        (ensemble-lsp--run-command ghost)
      (eglot--signal-textDocument/didChange)
      (ensemble-lsp--notify :ensemble/didPartiallyAccept ghost
                            :length (ensemble-lsp--utf-16-length (concat (car parts) part))))
    (unless (and (not whole) (ensemble-lsp--keep-ghost))
      (ensemble-lsp--hide))))

(defun ensemble-lsp--utf-16-length (text)
  "Return the number of UTF-16 units of TEXT."
  (/ (length (encode-coding-string text 'utf-16le)) 2))

(defun ensemble-lsp--match (regexp text)
  "Return the start of TEXT that REGEXP matches, or all of TEXT."
  (if (and (string-match regexp text) (> (match-end 0) 0)) (match-string 0 text) text))

(defun ensemble-lsp-accept ()
  "Accept the whole suggestion."
  (interactive)
  (ensemble-lsp--accept #'identity))

(defun ensemble-lsp-accept-word ()
  "Accept the next word of the suggestion."
  (interactive)
  (ensemble-lsp--accept
   (apply-partially #'ensemble-lsp--match
                    "\\`[[:space:]\n]*\\(?:[[:alnum:]_]+\\|[^[:alnum:]_[:space:]\n]+\\)")))

(defun ensemble-lsp-accept-line ()
  "Accept the next line of the suggestion."
  (interactive)
  (ensemble-lsp--accept (apply-partially #'ensemble-lsp--match "\\`\n*[^\n]*")))

(defun ensemble-lsp-dismiss ()
  "Reject the suggestion or the next edit that is shown."
  (interactive)
  (when-let ((shown (or ensemble-lsp--ghost ensemble-lsp--edit)))
    (ensemble-lsp--execute (ensemble-lsp--server-or-lose) "ensemble.reject"
                           (vector (list :id (ensemble-lsp--id shown))))
    (ensemble-lsp--hide)))

(defun ensemble-lsp-complete ()
  "Ask for suggestions at point."
  (interactive)
  (ensemble-lsp--ask 1 (lambda (items)
                         (if items
                             (ensemble-lsp--show items 0)
                           (message "There is no suggestion here")))))

(defun ensemble-lsp-next (&optional count)
  "Show the suggestion that is COUNT further; ask for more if there is one only."
  (interactive "p")
  (let* ((ghost (or ensemble-lsp--ghost (user-error "There is no suggestion")))
         (items (ensemble-lsp--shown-items ghost))
         (index (+ (ensemble-lsp--shown-index ghost) (or count 1))))
    (if (cdr items)
        (ensemble-lsp--show items (mod index (length items)))
      (ensemble-lsp--ask 1 (lambda (items)
                             (if (cdr items)
                                 (ensemble-lsp--show items (mod index (length items)))
                               (message "There are no other suggestions")))))))

(defun ensemble-lsp-previous (&optional count)
  "Show the suggestion that is COUNT back."
  (interactive "p")
  (ensemble-lsp-next (- (or count 1))))

;;;; The next edit

(defun ensemble-lsp-next-edit ()
  "Ask for the next edit and show it, or apply the one that is shown."
  (interactive)
  (if ensemble-lsp--edit
      (ensemble-lsp--apply-edit ensemble-lsp--edit)
    (let ((tick (buffer-chars-modified-tick)))
      (eglot--signal-textDocument/didChange)
      (ensemble-lsp--request
       (ensemble-lsp--server-or-lose) :textDocument/copilotInlineEdit
       (list :textDocument (eglot--VersionedTextDocumentIdentifier)
             :position (eglot--pos-to-lsp-position)
             :context (list :triggerKind 1))
       (lambda (result)
         (let ((edits (append (plist-get result :edits) nil)))
           (cond ((/= tick (buffer-chars-modified-tick)))
                 (edits (ensemble-lsp--show-edit edits))
                 (t (message "There is no next edit")))))))))

(defun ensemble-lsp--show-edit (edits)
  "Show the first of EDITS: the old text and the new text behind it."
  (require 'diff-mode) ; the faces
  (ensemble-lsp--hide)
  (let* ((edit (ensemble-lsp--make-shown edits 0))
         (start (ensemble-lsp--shown-start edit))
         (overlay (make-overlay start (ensemble-lsp--shown-end edit))))
    (overlay-put overlay 'face 'ensemble-lsp-removed)
    (overlay-put overlay 'after-string
                 (propertize (plist-get (car edits) :text) 'face 'ensemble-lsp-added))
    (setf (ensemble-lsp--shown-overlays edit) (list overlay))
    (setq ensemble-lsp--edit edit
          ensemble-lsp--last-id (ensemble-lsp--id edit))
    (jsonrpc-notify (ensemble-lsp--server-or-lose) :textDocument/didShowInlineEdit
                    (list :item (car edits)))
    (message "The next edit is on line %d: TAB applies it, C-g dismisses it"
             (line-number-at-pos start t))))

(defun ensemble-lsp--apply-edit (edit)
  "Apply EDIT as one step of undo, and move point behind it."
  (undo-boundary)
  (goto-char (ensemble-lsp--shown-start edit))
  (delete-region (point) (ensemble-lsp--shown-end edit))
  (insert (plist-get (ensemble-lsp--item edit) :text))
  (undo-boundary)
  (ensemble-lsp--run-command edit)
  (ensemble-lsp--hide))

;;;; Why

(defun ensemble-lsp-why ()
  "Explain which models were asked for the last suggestion.
Without one, explain which models would be asked at point."
  (interactive)
  (ensemble-lsp--execute
   (ensemble-lsp--server-or-lose) "ensemble.why"
   (vector (if ensemble-lsp--last-id
               (list :id ensemble-lsp--last-id)
             (list :task "complete"
                   :uri (plist-get (eglot--VersionedTextDocumentIdentifier) :uri)
                   :position (eglot--pos-to-lsp-position))))
   (lambda (result)
     (with-help-window "*ensemble-lsp why*"
       (princ (format "%s\n\n" (plist-get result :why)))
       (seq-doseq (score (plist-get result :scores))
         (princ (format "%s: expected reward %.2f\n" (plist-get score :model)
                        (or (plist-get score :expected) 0))))))))

;;;; The mode

;;;###autoload
(define-minor-mode ensemble-lsp-mode
  "Show the suggestions of ensemble-lsp as ghost text.
\\<ensemble-lsp-ghost-map>
While a suggestion is shown, \\[ensemble-lsp-accept] accepts it,
\\[ensemble-lsp-accept-line] accepts its next line, `forward-word' its
next word, and \\[keyboard-quit] rejects it."
  :lighter " Ensemble"
  (if ensemble-lsp-mode
      (progn
        (setq ensemble-lsp--tick (buffer-chars-modified-tick))
        (add-hook 'post-command-hook #'ensemble-lsp--post-command nil t))
    (remove-hook 'post-command-hook #'ensemble-lsp--post-command t)
    (ensemble-lsp--hide)))

;;;###autoload
(defun ensemble-lsp-enable ()
  "Turn on `ensemble-lsp-mode' where the buffer's server is ensemble-lsp.
This function is meant for `eglot-managed-mode-hook'."
  (ensemble-lsp-mode (if (and (eglot-managed-p) (ensemble-lsp--server)) 1 -1)))

(provide 'ensemble-lsp)
;;; ensemble-lsp.el ends here
