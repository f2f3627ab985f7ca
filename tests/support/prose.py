"""Real text of several languages: the same six sentences, emoji and code."""

# ruff: noqa: RUF001 - letters that look alike in other scripts

import inspect
import json

PROSE = {
    "English": (
        "The ferry leaves the harbour at seven in the morning.",
        "Nobody had told the captain that the bridge was closed.",
        "She read the letter twice, and then she burned it.",
        "Is there a shorter way to the station from here?",
        "In winter the lake freezes and children skate on it.",
        "He has never liked the taste of strong coffee.",
    ),
    "German": (
        "Die Fähre verlässt den Hafen morgens um sieben Uhr.",
        "Niemand hatte dem Kapitän gesagt, dass die Brücke gesperrt war.",
        "Sie las den Brief zweimal und verbrannte ihn dann.",
        "Gibt es von hier einen kürzeren Weg zum Bahnhof?",
        "Im Winter friert der See zu, und Kinder laufen Schlittschuh.",
        "Den Geschmack von starkem Kaffee hat er nie gemocht.",
    ),
    "Czech": (
        "Trajekt vyplouvá z přístavu v sedm hodin ráno.",
        "Nikdo kapitánovi neřekl, že je most uzavřený.",
        "Přečetla si dopis dvakrát a potom ho spálila.",
        "Vede odsud na nádraží nějaká kratší cesta?",
        "V zimě jezero zamrzne a děti na něm bruslí.",
        "Chuť silné kávy neměl nikdy rád.",
    ),
    "Arabic": (
        "تغادر العبارة الميناء في الساعة السابعة صباحا.",
        "لم يخبر أحد القبطان بأن الجسر مغلق.",
        "قرأت الرسالة مرتين ثم أحرقتها بهدوء.",
        "هل هناك طريق أقصر إلى المحطة من هنا؟",
        "في الشتاء تتجمد البحيرة ويتزلج عليها الأطفال.",
        "لم يحب يوما طعم القهوة القوية.",
    ),
    "Chinese": (
        "渡轮早上七点离开港口。",
        "没有人告诉船长大桥已经封闭。",
        "她把信读了两遍，然后烧掉了。",
        "从这里到车站有更近的路吗？",
        "冬天湖面结冰，孩子们在上面滑冰。",
        "他从来不喜欢浓咖啡的味道。",
    ),
    "Hindi": (
        "नाव सुबह सात बजे बंदरगाह से निकलती है।",
        "किसी ने कप्तान को नहीं बताया कि पुल बंद है।",
        "उसने पत्र दो बार पढ़ा और फिर उसे जला दिया।",
        "क्या यहाँ से स्टेशन का कोई छोटा रास्ता है?",
        "सर्दियों में झील जम जाती है और बच्चे उस पर खेलते हैं।",
        "उसे तेज़ कॉफ़ी का स्वाद कभी पसंद नहीं आया।",
    ),
}
CODE = inspect.getsource(json.encoder)
EMOJI = "👍 🎉 😀 " * 20
PERSONAL = {
    "English": (
        "Write to anna.b@example.co.uk or call +44 20 7946 0958, any time.",
        "Write to <email> or call <phone>, any time.",
    ),
    "German": (
        "Konto DE89 3704 0044 0532 0130 00 BIC COBADEFFXXX, müller@example.de, +49 30 901820.",
        "Konto <iban> BIC COBADEFFXXX, <email>, <phone>.",
    ),
    "Czech": (
        "Účet CZ6508000000192000145399 patří Dvořákovi, tel. +420 224 002 111.",
        "Účet <iban> patří Dvořákovi, tel. <phone>.",
    ),
    "Arabic": (
        "اتصل على +966 11 401 4444 أو اكتب إلى sami@example.com",
        "اتصل على <phone> أو اكتب إلى <email>",
    ),
    "Chinese": (
        "联系foo@bar.com谢谢，电话+86 10 6552 9988。服务器8.8.4.44。",
        "联系<email>谢谢，电话<phone>。服务器<ip>。",
    ),
    "Hindi": ("मेल करें: ravi@example.in, फ़ोन +91 22 2202 1234।", "मेल करें: <email>, फ़ोन <phone>।"),
    "emoji": ("📧 me@example.org 💳 4111 1111 1111 1111 👍", "📧 <email> 💳 <card> 👍"),
    "code": (
        'TOKEN = "ghp_' + "a1B2" * 9 + '"\nKEY = """-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc+/=\n'
        '-----END RSA PRIVATE KEY-----"""\nHOSTS = ["8.8.4.44", "2001:4860:4860::8888"]',
        'TOKEN = "<key>"\nKEY = """<key>"""\nHOSTS = ["<ip>", "<ip>"]',
    ),
}
"""Personal data in each language, and what the step `pii` makes of it."""
