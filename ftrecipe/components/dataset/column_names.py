"""What people call the columns of questions and of answers, in languages other than English."""

# Small letters, as columns are compared.
ASKING = (
    "frage", "fragen", "pregunta", "preguntas", "pergunta", "perguntas", "domanda", "domande",
    "vraag", "fråga", "spørgsmål", "spørsmål", "kysymys", "вопрос", "вопросы", "питання", "pytanie",
    "otázka", "kérdés", "întrebare", "ερώτηση", "soru", "سؤال", "السؤال", "שאלה", "प्रश्न", "প্রশ্ন",
    "pertanyaan", "soalan", "câu hỏi", "คำถาม", "问题", "問題", "提问", "質問", "질문",
)  # fmt: skip
ANSWERING = (
    "antwort", "antworten", "respuesta", "respuestas", "resposta", "respostas", "réponse",
    "réponses", "reponse", "risposta", "risposte", "antwoord", "svar", "vastaus", "ответ", "ответы",
    "відповідь", "odpowiedź", "odpověď", "odpoveď", "válasz", "răspuns", "απάντηση", "cevap",
    "yanıt", "جواب", "الجواب", "إجابة", "الإجابة", "תשובה", "उत्तर", "jawaban", "jawapan",
    "câu trả lời", "คำตอบ", "答案", "回答", "答え", "답변", "대답",
)  # fmt: skip
GIVEN = (
    "eingabe", "entrada", "entrée", "ввод", "запрос", "промпт", "wejście", "输入", "提示", "指令",
    "入力", "プロンプト", "입력", "프롬프트",
)  # fmt: skip
RETURNED = (
    "ausgabe", "salida", "saída", "sortie", "uscita", "вывод", "wyjście", "输出", "出力",
    "응답", "출력", "応答", "响应", "回复", *ANSWERING,
)  # fmt: skip
